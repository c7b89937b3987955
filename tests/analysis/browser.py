"""Opens pages in a real browser, to use them like a reader and to check them with axe-core."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DESKTOP, PHONE = (1280, 800), (390, 844)


@contextmanager
def started() -> Iterator[Any]:
    """A headless Chromium; skips where there is none, or no playwright to drive it."""
    playwright = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("needs Chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def opened(browser: Any, page: Path, size: tuple[int, int] = DESKTOP, scheme: str = "light") -> Iterator[Any]:
    """The page at `size`; when it is closed, nothing was complained of on the console or asked of others."""
    complaints: list[str] = []
    width, height = size
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    tab = context.new_page()
    tab.on("console", lambda message: complaints.append(message.text))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.on("request", lambda asked: complaints.append(asked.url) if _leaves(asked.url, page) else None)
    tab.goto(page.as_uri())
    yield tab
    context.close()
    assert complaints == []


def _leaves(url: str, page: Path) -> bool:
    return not url.startswith("data:") and url.partition("#")[0] != page.as_uri()


def faults(tab: Any, within: str = "html") -> list[str]:
    """What axe-core finds wrong, with all sections open; `within` a selector."""
    axe_package = pytest.importorskip("axe_core_python")
    (axe,) = Path(axe_package.__file__).parent.rglob("axe.min.js")
    tab.evaluate(axe.read_text())
    tab.evaluate("() => { for (const fold of document.querySelectorAll('details')) fold.open = true; }")
    found = tab.evaluate("within => axe.run(within)", within)["violations"]
    return [f"{each['id']} ({each['impact']}): {each['nodes'][0]['html'][:200]}" for each in found]


def overflows(tab: Any) -> bool:
    """Does the page scroll sideways?"""
    return bool(tab.evaluate("() => document.documentElement.scrollWidth > innerWidth"))
