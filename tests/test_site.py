"""The site is built from `docs/` and the program: it has no broken links, and no key is missing."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.program import ROOT


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(place)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    return place


def test_every_page_is_there(site: Path) -> None:
    pages = {path.relative_to(ROOT / "docs").with_suffix(".html") for path in (ROOT / "docs").rglob("*.md")}
    generated = {Path("reference/configuration.html"), Path("reference/commands.html")}
    assert pages | generated <= {path.relative_to(site) for path in site.rglob("*.html")}


def test_every_key_has_meaning_range_and_default(site: Path) -> None:
    page = (site / "reference" / "configuration.html").read_text()
    for words in (
        "replay.priority_floor",
        "added to every abs(TD error)",
        "a number above 0",
        "hydra.launcher",
    ):
        assert words in page
    assert "array_parallelism" in page


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        loaded = re.findall(r"<(?:script|img|iframe)[^>]*src=\"(https?:[^\"]*)", page.read_text())
        loaded += re.findall(r"<link[^>]*stylesheet[^>]*href=\"(https?:[^\"]*)", page.read_text())
        assert not loaded, f"{page.name}: {loaded}"
