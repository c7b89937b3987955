"""Edited code is recognised as different: ours, the user's modules, and everything that these import."""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dqn_exp.runs import code
from dqn_exp.runs.files import NETWORK
from tests.helpers import make_config


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that Python imports from, as a process finds it that has just begun."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(code, "_first_seen", {})
    code.forget_digests()
    yield tmp_path
    code.forget_digests()


def parts(*imports: str, **settings: Any) -> dict[str, str | None]:
    """As another process would see them."""
    code._first_seen.clear()
    code.forget_digests()
    return code.parts(make_config(**settings).model_copy(update={"imports": list(imports)}))


def test_a_module_is_told_by_its_content(place: Path) -> None:
    module = place / "my_plain.py"
    module.write_text("import numpy, sys\nfrom dqn_exp.registry import networks\n")
    before = parts("my_plain")
    assert list(before) == ["my_plain"]
    assert parts("my_plain") == before
    module.write_text(module.read_text() + "SIZE = 2\n")
    assert parts("my_plain") != before
    assert "my_plain" not in sys.modules


@pytest.mark.parametrize(
    "statement",
    [
        "import my_inner",
        "import sys, my_inner.deep as deep",
        "from my_inner import deep",
        "from my_inner.deep import SIZE",
        "def build():\n    from my_inner import deep",
        "import sys; import my_inner",
        "import sys, my_inner",
        "try: import my_inner\nexcept ImportError: pass",
        "class Part:\n    def build(self): import sys, my_inner.deep",
        "import sys, \\\n    my_inner",
        "from \\\n    my_inner import deep",
        "from my_inner import (\n    deep,\n)",
        "if True: from my_inner.deep import *",
    ],
)
def test_what_it_imports_counts_wherever_that_is_written(statement: str, place: Path) -> None:
    (place / "my_outer.py").write_text(statement)
    deep = place / "my_inner" / "deep.py"
    deep.parent.mkdir()
    (place / "my_inner" / "__init__.py").touch()
    deep.write_text("SIZE = 1")
    before = parts("my_outer")
    assert list(before) == ["my_inner", "my_outer"]
    deep.write_text("SIZE = 2")
    after = parts("my_outer")
    assert after["my_outer"] == before["my_outer"]
    assert after["my_inner"] != before["my_inner"]


def test_a_package_is_all_of_its_files(place: Path) -> None:
    """Its modules may import each other by names that are made as it runs."""
    for name in ("first", "second"):
        (place / "my_package").mkdir(exist_ok=True)
        (place / "my_package" / f"{name}.py").touch()
    before = parts("my_package.first")
    (place / "my_package" / "second.py").write_text("SIZE = 2")
    changed = parts("my_package.first")
    assert changed != before
    (place / "my_package" / "notes.txt").touch()
    (place / "my_package" / ".hidden").mkdir()
    (place / "my_package" / ".hidden" / "third.py").touch()
    assert parts("my_package.first") == changed
    (place / "my_package" / "second.py").rename(place / "my_package" / "third.py")
    assert parts("my_package.first") != changed


@pytest.mark.parametrize("content", ["import my_inner\nprint 1", "import my_inner\0", "(" * 10_000])
def test_a_file_that_is_no_python_is_told_by_its_content_alone(content: str, place: Path) -> None:
    """It cannot be imported, and so it imports nothing."""
    (place / "my_inner.py").touch()
    (place / "my_package").mkdir()
    (place / "my_package" / "__init__.py").write_text("from . import deep\n")
    (place / "my_package" / "unused.py").write_text(content)
    before = parts("my_package")
    assert list(before) == ["my_package"]
    (place / "my_package" / "unused.py").write_text(f"{content} # edited")
    assert parts("my_package") != before


@pytest.mark.filterwarnings("error")
def test_what_python_would_warn_of_is_not_told_here(place: Path) -> None:
    (place / "my_plain.py").write_text("import my_inner\nPATTERN = '\\d'\n")
    (place / "my_inner.py").touch()
    assert list(parts("my_plain")) == ["my_inner", "my_plain"]


def test_a_relative_import_stays_in_its_package(place: Path) -> None:
    """`.my_inner` is no module of the folder that holds the package."""
    (place / "my_inner.py").touch()
    (place / "my_package").mkdir()
    (place / "my_package" / "__init__.py").write_text("from .my_inner import SIZE\n")
    (place / "my_package" / "my_inner.py").write_text("SIZE = 1")
    before = parts("my_package")
    assert list(before) == ["my_package"]
    (place / "my_package" / "my_inner.py").write_text("SIZE = 2")
    assert parts("my_package") != before


def test_what_is_installed_is_told_by_its_version(place: Path) -> None:
    """PyYAML is a distribution of another name than its module; the last one is not there at all."""
    (place / "my_plain.py").write_text(
        "import yaml\nimport rich.table\ntry:\n    import not_there\nexcept: ...\n"
    )
    found = parts("my_plain")
    assert found.pop("my_plain")
    assert found == {name: importlib.metadata.version(name) for name in ("rich",)} | {
        "yaml": importlib.metadata.version("PyYAML")
    }


def test_what_was_edited_since_it_was_imported_is_unknown(place: Path) -> None:
    module, config = place / "my_plain.py", make_config().model_copy(update={"imports": ["my_plain"]})
    module.write_text("SIZE = 1")
    before = code.parts(config)
    assert before["my_plain"]
    module.write_text("SIZE = 2")
    assert code.parts(config) == before  # it is not read for each trial
    code.forget_digests()
    assert code.parts(config) == {"my_plain": None}


def test_what_cannot_be_found_is_unknown(place: Path) -> None:
    assert parts("my_missing") == {"my_missing": None}
    (place / "my_empty").mkdir()
    assert parts("my_empty") == {"my_empty": None}


def test_the_network_that_training_starts_from_is_told_by_its_content(place: Path) -> None:
    config = make_config().model_copy(update={"init_from": str(place)})
    assert code.parts(config) == {"init_from": None}
    (place / NETWORK).write_bytes(b"first")
    first = code.parts(config)["init_from"]
    (place / NETWORK).write_bytes(b"second")
    assert first != code.parts(config)["init_from"] is not None


def test_this_program_is_told_by_all_of_its_source(place: Path) -> None:
    ours = Path(code.__file__).parents[1]
    spec = code._spec("dqn_exp")
    assert spec is not None
    assert [ours / name for name, _ in code._read(spec)] == sorted(ours.rglob("*.py"))
    assert code.source()


def test_an_installed_module_without_a_list_of_its_own_is_found_by_its_files(place: Path) -> None:
    """Its distribution has another name and no top_level.txt, like that of many modern wheels."""
    folder = place / "site-packages"
    (folder / "my_module").mkdir(parents=True)
    (folder / "my_module" / "__init__.py").write_text("")
    described = folder / "other_name-3.1.dist-info"
    described.mkdir()
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: other-name\nVersion: 3.1\n")
    (described / "RECORD").write_text("my_module/__init__.py,,\nother_name-3.1.dist-info/METADATA,,\n")
    sys.path.insert(0, str(folder))  # `place` restores it
    assert parts("my_module") == {"my_module": "3.1"}


def test_a_module_that_cannot_be_read_is_unknown(place: Path) -> None:
    (place / "my_package").mkdir()
    (place / "my_package" / "__init__.py").write_text("")
    (place / "my_package" / "no_file.py").mkdir()
    assert parts("my_package") == {"my_package": None}
