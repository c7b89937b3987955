"""Values that were varied together are one axis in the report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from analysis.records.axes import find_axes
from analysis.records.pairs import combined, read_pairs

PAIRS = [["buffer", "batch"]]


def configs(*values: tuple[int, int, float]) -> list[dict[str, int | float | str | bool | None]]:
    return [combined({"buffer": b, "replay.capacity": b, "batch": n, "lr": lr}, PAIRS) for b, n, lr in values]


def test_a_pair_is_one_axis_in_the_order_of_its_parts() -> None:
    axes = find_axes(
        configs((17_000, 20, 0.1), (500, 128, 0.1), (500, 20, 0.1), (500, 20, 0.2), (17_000, 20, 0.2))
    )
    assert [axis.name for axis in axes] == ["lr", "buffer, batch"]
    assert axes[1].labels() == ["500, 20", "500, 128", "17k, 20"]
    assert axes[1].companions == ()
    assert list(axes[1].codes(configs((500, 128, 0.1), (17_000, 20, 0.1)))) == [1, 2]


def test_a_group_of_the_configuration_is_told_by_the_name_of_its_part() -> None:
    config = {"optimizer.name": "adam", "env.id": "CartPole-v1", "lr": 0.1, "seed": 3}
    assert combined(config, [["optimizer", "lr"]])["optimizer.name, lr"] == "adam, 0.1"
    assert combined(config, [["env", "lr"]])["env.id, lr"] == "CartPole-v1, 0.1"
    assert combined(config, [["experiment", "lr"], ["seed", "lr"]]) == config


def test_a_key_that_only_some_options_have_is_a_dash_in_the_others() -> None:
    pairs = [["replay", "replay.alpha", "lr"]]
    uniform = combined({"replay.name": "uniform", "lr": 0.1}, pairs)
    prioritised = combined({"replay.name": "prioritised", "replay.alpha": 0.5, "lr": 0.1}, pairs)
    (axis,) = find_axes([uniform, prioritised])
    assert axis.name == "replay.name, replay.alpha, lr"
    assert axis.labels() == ["prioritised, 0.5, 0.1", "uniform, –, 0.1"]
    assert find_axes([uniform, combined({"replay.name": "uniform", "lr": 0.2}, pairs)])[0].labels() == [
        "uniform, –, 0.1",
        "uniform, –, 0.2",
    ]


@pytest.mark.parametrize("content", ["{}", "[]", "{", '{"zip": null}'])
def test_a_sweep_without_pairs(content: str, tmp_path: Path) -> None:
    assert read_pairs(tmp_path) == []
    (tmp_path / "sweep.json").write_text(content)
    assert read_pairs(tmp_path) == []
    (tmp_path / "sweep.json").write_text(json.dumps({"zip": PAIRS}))
    assert read_pairs(tmp_path) == PAIRS
