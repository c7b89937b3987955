"""Identify the code that trains a trial, by its content, so that edited code counts as different code.

Code is identified by a digest of its source files; an installed package by its version. None means that the
code is unknown: it was edited after this process imported it, or it cannot be read.
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
"""Modules that `source` covers, or that do not influence a trial."""
PLUGINS = "_plugins"
TOLD_BY_VERSION = ("torch", "numpy", "numba", "gymnasium")
"""Packages that every trial uses; their versions are recorded anyway."""
INSTALLED = frozenset(("site-packages", "dist-packages"))
SOURCES = (".py", ".so")


@cache
def source() -> str | None:
    """The digest of this program's source files, the same in a checkout and in an installed wheel.

    A wheel has Hydra's plugins in another folder; they do not influence a trial.
    """
    spec = _spec(OURS)
    files = [] if spec is None else _read(spec)
    return _stable_digest(OURS, [file for file in files if not file[0].startswith(PLUGINS)])


def parts(config: Config) -> dict[str, str | None]:
    """Digest or version of all other code and files that `config` uses, by module name or `init_from`.

    The modules are those of `imports` and, if these are not installed packages, all modules that they import
    by an import statement, and so on.
    """
    found = dict(_modules(tuple(config.imports)))
    if config.init_from is not None:
        place = Path(config.init_from)  # a trial's directory, or a checkpoint of stable-baselines3
        found["init_from"] = _digest_of_file(place if place.suffix == ".zip" else place / NETWORK)
    return found


def forget_digests() -> None:
    """Forget the digests, because another command begins in this process."""
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
        if spec is None:  # the import of a missing module may be caught
            found |= {name: None} if name in wanted else {}
            continue
        version = _version(name) if _is_installed(spec) else None
        if version is None:
            files = _read(spec)
            found[name] = _stable_digest(name, files)
            waiting += _imported(files)
        else:
            found[name] = version
    return dict(sorted(found.items()))


def _spec(name: str) -> ModuleSpec | None:
    """The specification of a top-level module, which is not imported; None if there is none."""
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
    """Version of the distribution that installed a top-level module, or None if none is found."""
    with suppress(metadata.PackageNotFoundError):
        return metadata.version(module)
    for distribution in metadata.distributions():
        if module in (distribution.read_text("top_level.txt") or "").split():
            return distribution.version
    names = metadata.packages_distributions().get(module)  # slow: reads the lists of all installed files
    return metadata.version(names[0]) if names else None


File = tuple[str, bytes]
"""Name and content."""


def _read(spec: ModuleSpec) -> list[File]:
    """The source files of a module; empty if they cannot be read."""
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
    """The top-level modules that the import statements of source files name, at any place in the file.

    Relative imports are skipped: they name modules of the same package, whose files are all read anyway.
    """
    for name, content in files:
        for node in ast.walk(_parsed(content)) if name.endswith(".py") else ():
            if isinstance(node, ast.Import):
                yield from (imported.name.partition(".")[0] for imported in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module.partition(".")[0]


def _parsed(content: bytes) -> ast.AST:
    """The syntax tree of a source file; empty if it is not Python, as it then cannot import anything."""
    try:
        with warnings.catch_warnings(action="ignore"):
            return ast.parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module([], [])


_first_seen: dict[str, str | None] = {}


def _stable_digest(module: str, files: Sequence[File]) -> str | None:
    """Digest of the files of `module`; None if it differs from the first digest found in this process."""
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
