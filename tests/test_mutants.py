"""The changes that `make mutants` makes."""

from __future__ import annotations

import ast

import pytest
import yaml

from tests.mutants import EQUIVALENT, ROOMS, mirrors_of, modules_of, mutants_of, swapped, swaps


@pytest.mark.parametrize(
    ("source", "mutants"),
    [
        ("a < b", {"a <= b"}),
        ("a is None", {"a is not None"}),
        ("x = a - b", {"x = a + b"}),
        ("x = -a", {"x = a"}),
        ("x = a and b", {"x = a or b"}),
        ("x = True", {"x = False"}),
        ("x = 2.5", {"x = 3.5"}),
        ("x = 'word'", set()),
        ("zip(a, b, strict=True)", {"pass"}),
        ("x += y", {"x -= y"}),
        ("self.x = y", {"pass"}),
        ("x[y] = z", {"pass"}),
        ("act()", {"pass"}),
        ("log.info(1)", set()),
        ("if a: b", {"if not a: b"}),
        ("if not a: b", {"if a: b"}),
        ("if a == b: c", {"if a != b: c"}),
        ("if a < b: c", {"if a <= b: c", "if not a < b: c"}),
        ("x = a if b else c", {"x = a if not b else c"}),
        ("def f() -> a | b: return c", {"def f() -> a | b: return None"}),
        ("raise E(1 + x)", set()),
        ("Number = int | float", set()),
    ],
)
def test_what_is_changed(source: str, mutants: set[str]) -> None:
    tree = ast.parse(source)
    made = {ast.unparse(swapped(tree, swap)) for _, swap in swaps(tree)}
    assert made == {ast.unparse(ast.parse(mutant)) for mutant in mutants}


@pytest.mark.parametrize("room", ROOMS)
def test_each_module_has_tests_to_ask(room: str) -> None:
    assert modules_of(room)
    assert all(mirrors_of(room, module) for module in modules_of(room))


def test_those_called_equivalent_are_mutants() -> None:
    for module, named in (yaml.safe_load(EQUIVALENT.read_text()) or {}).items():
        assert named.keys() <= {mutant.name for mutant in mutants_of(module)}
