"""Do the tests notice where the program is wrong? `make mutants` changes one place at a time and looks.

A mutant is one changed place: a comparison, an operator, a number, a condition, a returned value, or a
removed statement. It counts as killed if one of the tests that mirror its module fails. The mutants in
`equivalent_mutants.yaml`, each with a reason, behave like the program and are left out of the count.

The mutants are made here with `ast`, not by cosmic-ray or mutmut. Each mutant lives in the memory of a forked
process that has already loaded torch and numba, so it does not wait for them. Tests that start their own
processes do not see the mutant.

Text is not changed, because messages are not behaviour. Of `dqn_exp/agent/fused` only the learner is changed:
after any other change there, numba compiles all kernels again, which takes half a minute for each mutant.
"""

from __future__ import annotations

import argparse
import ast
import importlib.abc
import importlib.util
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest
import yaml

ROOT = Path(__file__).parents[1]
EQUIVALENT = Path(__file__).with_name("equivalent_mutants.yaml")
TOLERATED = 0.1
PRELOADED = ("gymnasium", "hydra", "matplotlib", "numba", "optuna", "pandas", "scipy.stats", "torch")

EFFECTS = "tests/training/test_effects.py"
KEYS = "tests/training/test_keys.py"
RUN = "tests/training/test_run.py"
RECORD = "tests/runs/test_record.py"
ROOMS: dict[str, Sequence[str]] = {
    "dqn_exp/training": (RUN, "tests/training/test_evaluate.py", EFFECTS, KEYS),
    "dqn_exp/agent": (EFFECTS, RUN, KEYS),
    "dqn_exp/replay": (EFFECTS, KEYS),
    "dqn_exp/runs": (),
    "analysis/estimates": ("tests/analysis/estimates",),
}
"""The modules that are changed, and the tests that are asked behind the one that mirrors a module."""
FILMS = "tests/analysis/network/test_video.py"
LEARNERS = "tests/agent/test_learners.py"
MIRRORS: dict[str, Sequence[str]] = {
    "dqn_exp/training/video.py": (FILMS,),
    "dqn_exp/agent/fused/learner.py": (LEARNERS, "tests/agent/test_fused_greedy.py"),
    "dqn_exp/agent/learner.py": (LEARNERS,),
    "dqn_exp/agent/eligibility.py": (LEARNERS,),
    "dqn_exp/agent/exploration.py": ("tests/agent/test_exploration.py", "tests/agent/test_masks.py"),
    "dqn_exp/agent/torch_learner.py": (
        "tests/agent/test_torch_learner.py",
        LEARNERS,
        "tests/agent/test_masks.py",
    ),
    "dqn_exp/agent/bootstrap.py": (LEARNERS,),
    "dqn_exp/agent/dqn.py": (RUN, EFFECTS, "tests/agent/test_target.py", "tests/envs/test_contract.py"),
    "dqn_exp/agent/randomness.py": ("tests/agent/test_torch_learner.py", RUN, EFFECTS),
    "dqn_exp/agent/agent.py": (RUN,),
    "dqn_exp/replay/build.py": ("tests/plan/test_memory.py", EFFECTS, KEYS),
    "dqn_exp/replay/rows.py": ("tests/replay/test_ring.py", "tests/plan/test_memory.py"),
    "dqn_exp/runs/description.py": ("tests/runs/test_description.py", "tests/runs/test_lengthened.py"),
    "dqn_exp/runs/record.py": (RECORD, "tests/runs/test_lengthened.py"),
    "dqn_exp/runs/checkpoint.py": ("tests/runs/test_checkpoint.py", RECORD),
    "dqn_exp/runs/nested.py": ("tests/runs/test_checkpoint.py", RECORD),
    "dqn_exp/runs/networks.py": ("tests/runs/test_checkpoint.py", "tests/envs/test_normalise.py"),
    "dqn_exp/runs/observers.py": ("tests/runs/test_observers.py", FILMS, RECORD),
    "dqn_exp/runs/result.py": (RECORD, "tests/runs/test_description.py"),
    "dqn_exp/runs/watched.py": (RECORD, "tests/api/test_calls.py"),
}
"""Where a module has a mirror of another name, or several."""
FEW = "not killed_twice or n-step"
"""Of tests that resume each kind of trial, one kind."""


# what a mutant is


class Mutant(NamedTuple):
    """One changed place of a module."""

    module: str
    number: int | None
    """Its place among all mutants of the module; None: nothing is changed."""
    line: int
    name: str
    """The function it is in and what is changed: how `equivalent_mutants.yaml` calls it."""


Swap = tuple[ast.AST, ast.AST]
"""A node, and what takes its place."""

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
    ast.RShift: ast.LShift, ast.LShift: ast.RShift, ast.MatMult: ast.Mult,
}  # fmt: skip


def copy_of(node: ast.AST, **changes: object) -> ast.AST:
    """A node of the same kind and place with other fields."""
    return ast.copy_location(type(node)(**{**dict(ast.iter_fields(node)), **changes}), node)


def changes(node: ast.AST, parent: ast.AST) -> Iterator[ast.AST]:
    """What mutants have in the place of `node`."""
    is_condition = isinstance(parent, ast.If | ast.IfExp | ast.While) and node is parent.test
    if is_condition and isinstance(node, ast.expr) and not _is_negated_anyway(node):
        yield ast.copy_location(ast.UnaryOp(ast.Not(), node), node)
    new = changed(node)
    if new is not None:
        yield new


def _is_negated_anyway(node: ast.expr) -> bool:
    """Is the opposite of a condition what `changed` makes of it?"""
    match node:
        case ast.UnaryOp(op=ast.Not()):
            return True
        case ast.Compare(ops=[op]):
            return not isinstance(op, ast.Lt | ast.LtE | ast.Gt | ast.GtE)
    return False


def changed(node: ast.AST) -> ast.AST | None:
    """What a mutant has in the place of `node`; None where nothing is changed."""
    match node:
        case ast.Compare(ops=[op, *rest]):
            return copy_of(node, ops=[COMPARISONS[type(op)](), *rest])
        case ast.BinOp(op=op) | ast.AugAssign(op=op):
            return copy_of(node, op=OPERATORS[type(op)]())
        case ast.BoolOp(op=op):
            return copy_of(node, op=ast.Or() if isinstance(op, ast.And) else ast.And())
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            return operand
        case ast.Constant(value=bool() as value):
            return copy_of(node, value=not value)
        case ast.Constant(value=int() | float() as value):
            return copy_of(node, value=value + 1)
        case ast.Return(value=value) if value is not None and not is_none(value):
            return copy_of(node, value=ast.Constant(None))
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript() | ast.Tuple()]):
            return ast.copy_location(ast.Pass(), node)
        case ast.Expr(value=ast.Call()) if not _is_logged(node):
            return ast.copy_location(ast.Pass(), node)
        case ast.Break() | ast.Continue():
            return ast.copy_location(ast.Pass(), node)
    return None


def is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def swaps(tree: ast.AST) -> list[tuple[str, Swap]]:
    """All that can be changed in a module, with the names of the mutants."""
    return list(_swaps(tree, [], tree))


def _swaps(node: ast.AST, within: list[str], parent: ast.AST) -> Iterator[tuple[str, Swap]]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        within = [*within, node.name]
    for new in changes(node, parent):
        yield _name(within, parent, (node, new)), (node, new)
    for field, child in _children(node):
        if not _is_silent(node, field):
            yield from _swaps(child, within, node)


def _children(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    for name, field in ast.iter_fields(node):
        for child in field if isinstance(field, list) else [field]:
            if isinstance(child, ast.AST):
                yield name, child


def _is_silent(node: ast.AST, field: str) -> bool:
    """Is this a type, a message that people read, or a check of what always holds?"""
    match node:
        case ast.Raise() | ast.JoinedStr() | ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
        case ast.Assert() | ast.keyword(arg="strict"):
            return True
        case ast.Expr():
            return _is_logged(node)
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name[0].isupper() and not name.isupper()
    return field in ("annotation", "returns", "decorator_list")


def _is_logged(node: ast.Expr) -> bool:
    return ast.unparse(node).startswith("log.")


def _name(within: list[str], parent: ast.AST, swap: Swap) -> str:
    """Small changes are shown in the expression around them."""
    old, new = swap
    around = ast.expr | ast.keyword | ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Return
    is_shown = isinstance(parent, around) and isinstance(old, ast.expr)
    shown = parent if is_shown else old
    before = ast.unparse(shown)
    after = ast.unparse(swapped(shown, swap)) if is_shown else ast.unparse(new)
    return f"{'.'.join(within)}: {_one_line(before)} -> {_one_line(after)}"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def swapped(tree: ast.AST, swap: Swap) -> ast.AST:
    """A copy of `tree` in which one node has given way to another."""
    old, new = swap
    if tree is old:
        return new
    fields: dict[str, object] = {}
    for name, field in ast.iter_fields(tree):
        if isinstance(field, list):
            fields[name] = [swapped(n, swap) if isinstance(n, ast.AST) else n for n in field]
        else:
            fields[name] = swapped(field, swap) if isinstance(field, ast.AST) else field
    return copy_of(tree, **fields)


def mutants_of(module: str) -> list[Mutant]:
    """All mutants of a module, in the order of its source."""
    found = swaps(ast.parse((ROOT / module).read_text()))
    return [
        Mutant(module, number, getattr(old, "lineno", 0), name)
        for number, (name, (old, _)) in enumerate(found)
    ]


def modules_of(room: str) -> list[str]:
    """The modules of a room that do something; of `fused`, the learner alone."""
    paths = sorted((ROOT / room).glob("*.py"))
    if room == "dqn_exp/agent":
        paths.append(ROOT / room / "fused" / "learner.py")
    return [str(path.relative_to(ROOT)) for path in paths if path.name != "__init__.py"]


def mirrors_of(room: str, module: str) -> list[str]:
    """The tests to ask, the mirror of the module first."""
    mirror = ROOT / room.replace("dqn_exp", "tests").replace("analysis", "tests/analysis")
    mirror /= f"test_{Path(module).name}"
    first = MIRRORS.get(module, [str(mirror.relative_to(ROOT))] if mirror.exists() else [])
    found = [*first]
    for path in ROOMS[room]:
        tests = sorted((ROOT / path).glob("test_*.py")) if (ROOT / path).is_dir() else [ROOT / path]
        found += [str(test.relative_to(ROOT)) for test in tests]
    return list(dict.fromkeys(found))


# one mutant and its tests


class MutantLoader(importlib.abc.InspectLoader):
    """Finds one module before all others do, and gives it the code of a mutant."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant, self._name = mutant, mutant.module.removesuffix(".py").replace("/", ".")

    def find_spec(self, name: str, path: object, target: object = None) -> ModuleSpec | None:
        if name != self._name:
            return None
        return importlib.util.spec_from_file_location(name, Path(self._mutant.module).resolve(), loader=self)

    def get_source(self, fullname: str) -> str:
        return Path(self._mutant.module).read_text()

    def exec_module(self, module: ModuleType) -> None:
        tree: ast.AST = ast.parse(self.get_source(module.__name__))
        if self._mutant.number is not None:
            _, swap = swaps(tree)[self._mutant.number]
            tree = ast.fix_missing_locations(swapped(tree, swap))
        exec(compile(tree, self._mutant.module, "exec"), module.__dict__)  # type: ignore[call-overload]


def ask(tests: Sequence[str], mutants: Sequence[Mutant]) -> None:
    """Run `tests` against `mutants` of several modules in this process, which ends with their verdict."""
    os.setsid()
    sys.meta_path[:0] = map(MutantLoader, mutants)  # type: ignore[arg-type]
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    options = ["-x", "-q", "-p", "no:cacheprovider", "-W", "ignore", "-m", "slow or not slow", "-k", FEW]
    os._exit(pytest.main([*options, *tests]))


def verdict(tests: Sequence[str], mutants: Sequence[Mutant], seconds: float) -> int | None:
    """The exit code of the tests; None where they took longer than `seconds`."""
    process = multiprocessing.get_context("fork").Process(target=ask, args=(tests, mutants))
    process.start()
    process.join(seconds)
    if process.exitcode is None:
        os.killpg(process.pid or 0, signal.SIGKILL)
        process.join()
        return None
    return process.exitcode


def survives(tests: Sequence[str], seconds: float, mutant: Mutant) -> bool:
    return verdict(tests, [mutant], seconds) == 0


# all of them


def main(arguments: Sequence[str] | None = None) -> int:
    chosen = _parse(arguments)
    equivalent: dict[str, dict[str, str]] = yaml.safe_load(EQUIVALENT.read_text()) or {}
    with tempfile.TemporaryDirectory() as scratch:
        _move_to_copy(Path(scratch))
        for module in PRELOADED:
            importlib.import_module(module)
        context = multiprocessing.get_context("fork")
        with ProcessPoolExecutor(chosen.processes, context) as pool:
            shares = [_judge_room(room, chosen, equivalent, pool.map) for room in chosen.rooms]
    return int(max(shares) >= TOLERATED)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="mutants", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("rooms", nargs="*", default=list(ROOMS), help="which of them (default: all)")
    parser.add_argument("--sample", default="10", help="mutants per module, or all (default: 10)")
    parser.add_argument("--seed", type=int, default=0, help="which mutants are drawn (default: 0)")
    parser.add_argument("--patience", type=float, help="seconds for a mutant (default: measured first)")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--only", default="", help="modules whose path holds this")
    return parser.parse_args(arguments)


def _move_to_copy(scratch: Path) -> None:
    """Work in a copy of the checkout: no mutant can do harm there."""
    copy = scratch / "checkout"
    ignored = shutil.ignore_patterns(".*", "outputs", "docs")
    shutil.copytree(ROOT, copy, ignore=ignored)
    os.chdir(copy)
    sys.path[:0] = [str(copy), str(copy / "dqn_exp" / "_plugins")]
    sys.modules.pop("tests", None)
    sys.dont_write_bytecode = True
    os.environ["PYTHONPATH"] = os.pathsep.join(sys.path[:2])


def _judge_room(
    room: str,
    chosen: argparse.Namespace,
    equivalent: dict[str, dict[str, str]],
    pool_map: Callable[..., Iterator[bool]],
) -> float:
    """Print what became of the mutants of a room; returns the share of survivors."""
    modules = [module for module in modules_of(room) if chosen.only in module]
    patience = chosen.patience or _patience(room, modules)
    asked = survived = 0
    for module in modules:
        drawn = _draw(mutants_of(module), chosen)
        judged = [mutant for mutant in drawn if mutant.name not in equivalent.get(module, {})]
        lives = pool_map(partial(survives, mirrors_of(room, module), patience), judged)
        alive = [mutant for mutant, lived in zip(judged, lives, strict=True) if lived]
        _print(module, len(drawn), len(drawn) - len(judged), len(judged) - len(alive), len(alive))
        for mutant in alive:
            print(f"  {module}:{mutant.line}  {mutant.name}", flush=True)
        asked, survived = asked + len(judged), survived + len(alive)
    share = survived / max(asked, 1)
    print(f"{room}: {asked} judged, {survived} survived, a share of {share:.3f}\n", flush=True)
    return share


def _patience(room: str, modules: Sequence[str]) -> float:
    """Seconds that a mutant may take: several times what the tests take where nothing is changed."""
    tests = sorted({test for module in modules for test in mirrors_of(room, module)})
    started = time.monotonic()
    if modules and verdict(tests, [Mutant(module, None, 0, "") for module in modules], 3600) != 0:
        raise SystemExit(f"these do not pass where nothing is changed: {' '.join(tests)}")
    return 20 + 3 * (time.monotonic() - started)


def _print(module: str, drawn: int, equivalent: int, killed: int, survived: int) -> None:
    counts = f"{drawn:4} mutants, {killed:4} killed, {survived:4} survived, {equivalent:4} equivalent"
    print(f"{module:36}{counts}", flush=True)


def _draw(mutants: list[Mutant], chosen: argparse.Namespace) -> list[Mutant]:
    if chosen.sample == "all" or int(chosen.sample) >= len(mutants):
        return mutants
    generator = random.Random(f"{chosen.seed} {mutants[0].module}")
    return [mutants[place] for place in sorted(generator.sample(range(len(mutants)), int(chosen.sample)))]


if __name__ == "__main__":
    sys.exit(main())
