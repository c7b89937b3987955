"""The table at the end of a sweep, on narrow screens too."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from dqn_exp.cli.summary import print_rows

SIX = {
    "buffer": "17k", "lr": "0.0001", "agent.max_grad_norm": "none", "env.kwargs.probability": "0.25",
    "exploration.decay": "2k", "network.hidden": "256-256", "n": "10", "converged": "10",
    "median environment steps": "not reached", "mean final return": "-1 234",
}  # fmt: skip


def printed(rows: list[dict[str, str]], width: int) -> str:
    console = Console(file=io.StringIO(), width=width)
    print_rows(console, rows)
    text = console.file
    assert isinstance(text, io.StringIO)
    return text.getvalue()


@pytest.mark.parametrize("axes", [1, 6, 12])
def test_nothing_is_cut_off_in_eighty_columns(axes: int) -> None:
    numbered = {f"part.option_{n}": f"0.{n:04}" for n in range(axes - 6)}
    text = printed([{**numbered, **dict(list(SIX.items())[6 - min(axes, 6) :])}], 80)
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text


def test_six_axes_are_readable_in_eighty_columns() -> None:
    text = printed([SIX, SIX], 80)
    for value in ("17k", "0.0001", "none", "0.25", "256-256", "10", "-1 234"):
        assert value in text


def test_a_table_that_fits_has_room_between_its_columns() -> None:
    assert "│    500 │ 3 │" in printed([{"buffer": "500", "n": "3"}], 80)
