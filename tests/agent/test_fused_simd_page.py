"""The snippets of docs/simd.md, run as written, and the numbers that the page quotes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dqn_exp.agent.fused import layers, shallow, simd

PAGE = Path(__file__).parents[2] / "docs" / "simd.md"


def test_the_snippets_run(capsys: pytest.CaptureFixture[str]) -> None:
    """The first compares a tile with NumPy, the second prints its multiply-adds: 4 units x 2 vectors."""
    tile, inspection = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    names: dict[str, object] = {}
    exec(compile(tile, str(PAGE), "exec"), names)
    exec(compile(inspection, str(PAGE), "exec"), names)
    lines = capsys.readouterr().out.splitlines()
    assert sum("call <16 x float> @llvm.fmuladd.v16f32" in line for line in lines) >= 4


@pytest.mark.parametrize("module", [layers, shallow, simd])
def test_the_page_quotes_the_constants(module: object) -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \| (\d+) \|", PAGE.read_text(), re.MULTILINE)
    quoted = {name: int(value) for name, value in rows if hasattr(module, name)}
    assert quoted
    assert quoted == {name: getattr(module, name) for name in quoted}


def test_the_page_names_every_tile_and_file() -> None:
    page = PAGE.read_text()
    tiles = [name for name in vars(simd) if name.endswith("_tile")]
    files = [path.name for path in Path(simd.__file__).parent.glob("[a-z]*.py")]
    assert [name for name in tiles + files if f"`{name}`" not in page] == []
