"""Points for trackers, read from metric files while the files grow."""

from __future__ import annotations

from pathlib import Path

import pytest

from dqn_exp.runs.metrics import COLUMNS, MetricsWriter, metrics_path
from dqn_exp.runs.points import Points, scalar_name


def write(directory: Path, kind: str, *rows: tuple[float, ...], more: tuple[str, ...] = ()) -> None:
    writer = MetricsWriter(metrics_path(directory, kind), (*COLUMNS[kind], *more))
    for row in rows:
        writer.append(row)
    writer.close()


def test_a_point_holds_all_that_happened_at_its_step(tmp_path: Path) -> None:
    write(tmp_path, "episodes", (1, 20, 5, 20.0, 20, 0.9, True), more=("slipped",))
    write(tmp_path, "losses", (0, 10, 3, 0.5, 2.0, 1.5, 4.0), (0, 20, 5, 0.25, 1.0, 1.75, 3.0))
    write(tmp_path, "evaluations", (1, 20, 5, 31.0, 2.5, 4, 0.0), more=("slipped",))
    assert list(Points(tmp_path).up_to(20)) == [
        (
            10,
            {
                "losses/td_loss": 0.5,
                "losses/grad_norm": 2.0,
                "losses/q_values": 1.5,
                "losses/q_max": 4.0,
            },
        ),
        (
            20,
            {
                "charts/episodic_return": 20.0,
                "charts/episodic_length": 20.0,
                "charts/epsilon": 0.9,
                "charts/slipped": 1.0,
                "eval/mean_reward": 31.0,
                "eval/std_reward": 2.5,
                "eval/slipped": 0.0,
                "losses/td_loss": 0.25,
                "losses/grad_norm": 1.0,
                "losses/q_values": 1.75,
                "losses/q_max": 3.0,
            },
        ),
    ]


def test_of_episodes_that_end_at_one_step_it_is_the_mean(tmp_path: Path) -> None:
    write(tmp_path, "episodes", (1, 8, 0, 10.0, 4, 1.0), (2, 8, 0, 30.0, 2, 1.0))
    ((step, scalars),) = Points(tmp_path).up_to(8)
    assert (step, scalars["charts/episodic_return"], scalars["charts/episodic_length"]) == (8, 20.0, 3.0)


def test_each_line_is_told_once_and_none_before_its_time(tmp_path: Path) -> None:
    points = Points(tmp_path)
    assert list(points.up_to(100)) == []  # there are no files yet
    write(tmp_path, "episodes", *((n, 10 * n, 0, 1.0, 10, 1.0) for n in range(1, 4)))
    write(tmp_path, "losses", (0, 15, 1, 0.5, 2.0, 1.5, 4.0))
    assert [step for step, _ in points.up_to(15)] == [10, 15]
    assert [step for step, _ in points.up_to(15)] == []
    write(tmp_path, "episodes", (4, 40, 0, 1.0, 10, 1.0))
    assert [step for step, _ in points.up_to(1000)] == [20, 30, 40]


def test_a_line_that_is_being_written_is_left_for_later(tmp_path: Path) -> None:
    write(tmp_path, "losses", (0, 15, 1, 0.5, 2.0, 1.5, 4.0))
    path = metrics_path(tmp_path, "losses")
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        points = Points(tmp_path)
        assert list(points.up_to(20)) == []
        path.write_bytes(whole)
        assert [step for step, _ in points.up_to(20)] == [15]


@pytest.mark.parametrize(
    ("kind", "column", "name"),
    [
        ("episodes", "return", "charts/episodic_return"),
        ("evaluations", "mean_return", "eval/mean_reward"),
        ("losses", "loss", "losses/td_loss"),
        ("losses", "largest_target", "losses/largest_target"),
    ],
)
def test_names(kind: str, column: str, name: str) -> None:
    assert scalar_name(kind, column) == name
