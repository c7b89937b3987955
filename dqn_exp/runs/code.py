"""Which code a trial is trained with: told by its content, so that edited code is other code.

A digest is of the source files; what is installed from elsewhere is told by its version. None stands for
code that is not known: it was edited since this process imported it, or cannot be read.
"""

from __future__ import annotations

import ast
import hashlib
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib import metadata
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path

from dqn_exp.config import Config
from dqn_exp.runs.files import NETWORK

OURS = "dqn_exp"
NO_PARTS = (OURS, "analysis", "hydra_plugins")
"""Told of by `source`, or without a say in what happens in a trial."""
TOLD_BY_VERSION = ("torch", "numpy", "numba", "gymnasium")
"""Packages that every trial uses, whose versions it records anyway."""
INSTALLED = frozenset(("site-packages", "dist-packages"))
SOURCES = (".py", ".so")


@cache
def source() -> str | None:
    """Digest of this program."""
    spec = _spec(OURS)
    return None if spec is None else _as_first_seen(OURS, _read(spec))


def parts(config: Config) -> dict[str, str | None]:
    """Digest or version of whatever else `config` has trained: by the name of a module, or `init_from`.

    The modules are those of `imports` and, wherever they are not installed, all that they import by an
    import statement.
    """
    found = dict(_modules(tuple(config.imports)))
    if config.init_from is not None:
        place = Path(config.init_from)  # of a trial, or a checkpoint of stable-baselines3
        found["init_from"] = _digest_of_file(place if place.suffix == ".zip" else place / NETWORK)
    return found


def look_again() -> None:
    """Forget what the files held: another command begins in this process."""
    source.cache_clear()
    _modules.cache_clear()


@cache
def _modules(names: tuple[str, ...]) -> Mapping[str, str | None]:
    wanted = [name.partition(".")[0] for name in names]
    found: dict[str, str | None] = {}
    waiting = list(wanted)
    while waiting:
        name = waiting.pop()
        if name in found or name in (*NO_PARTS, *TOLD_BY_VERSION) or name in sys.stdlib_module_names:
            continue
        spec = _spec(name)
        if spec is None:  # an import of what is not there may be caught
            found |= {name: None} if name in wanted else {}
            continue
        version = _version(name) if _is_installed(spec) else None
        if version is None:
            files = _read(spec)
            found[name] = _as_first_seen(name, files)
            waiting += _imported(files)
        else:
            found[name] = version
    return dict(sorted(found.items()))


def _spec(name: str) -> ModuleSpec | None:
    """Where a top-level module is; it is not imported."""
    try:
        return find_spec(name)
    except (ImportError, ValueError):
        return None


def _is_installed(spec: ModuleSpec) -> bool:
    return any(INSTALLED & set(Path(place).parts) for place in _places(spec))


def _places(spec: ModuleSpec) -> list[str]:
    """The folders of a package, or the file of a module."""
    if spec.submodule_search_locations is not None:
        return list(spec.submodule_search_locations)
    return [spec.origin] if spec.origin else []


def _version(module: str) -> str | None:
    """Of the distribution that installed a top-level module: one of its name, or that says it has it."""
    with suppress(metadata.PackageNotFoundError):
        return metadata.version(module)
    for distribution in metadata.distributions():
        if module in (distribution.read_text("top_level.txt") or "").split():
            return distribution.version
    names = metadata.packages_distributions().get(module)  # reads the lists of all installed files
    return metadata.version(names[0]) if names else None


File = tuple[str, bytes]
"""Name and content."""


def _read(spec: ModuleSpec) -> list[File]:
    """The source files of a module; none where they cannot be read."""
    try:
        return [(name, path.read_bytes()) for place in _places(spec) for name, path in _files(Path(place))]
    except OSError:
        return []


def _files(place: Path) -> Iterator[tuple[str, Path]]:
    if place.is_file():
        yield place.name, place
        return
    for path in sorted(place.rglob("*")):
        inner = path.relative_to(place)
        if path.suffix in SOURCES and not any(part.startswith(".") for part in inner.parts):
            yield str(inner), path


def _imported(files: Iterable[File]) -> Iterator[str]:
    """The top-level modules that source files name in import statements, wherever these stand.

    A relative import names a module of the same package, all of whose files are told of anyway.
    """
    for name, content in files:
        for node in ast.walk(_parsed(content)) if name.endswith(".py") else ():
            if isinstance(node, ast.Import):
                yield from (imported.name.partition(".")[0] for imported in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module.partition(".")[0]


def _parsed(content: bytes) -> ast.AST:
    """Nothing of what is no Python: that can import nothing."""
    try:
        with warnings.catch_warnings(action="ignore"):
            return ast.parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module([], [])


_first_seen: dict[str, str | None] = {}


def _as_first_seen(module: str, files: Sequence[File]) -> str | None:
    """Digest of the files of `module`; None where it is not what this process found, and imported, first."""
    listed = "\n".join(f"{name} {_digest(content)}" for name, content in files)
    digest = _digest(listed.encode()) if files else None
    return digest if _first_seen.setdefault(module, digest) == digest else None


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _digest_of_file(path: Path) -> str | None:
    try:
        return _digest(path.read_bytes())
    except OSError:
        return None
