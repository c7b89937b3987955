"""Audits: trials are trained again and compared, and the share of wrong trials is bounded."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from safetensors.numpy import load_file, save_file
from scipy.stats import binom

from analysis.__main__ import main
from analysis.audit import bound
from analysis.audit.command import candidates
from analysis.audit.compare import EQUAL, AuditVerdict, compare
from analysis.audit.sentences import sentences
from dqn_exp.runs import MetricsWriter, read_metrics
from dqn_exp.runs.record import run_trial
from tests.helpers import make_config


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three trials of 300 steps."""
    root = tmp_path_factory.mktemp("sweep")
    for seed in range(3):
        config = make_config(
            env="cartpole", seed=seed, batch=32, budget__env_steps=300, evaluation__every_steps=100,
            evaluation__episodes=1, evaluation__final_episodes=1, network__hidden=[16],
        )  # fmt: skip
        run_trial(config, root / f"seed={seed}", {})
    return root


@pytest.fixture
def copy(sweep: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sweep / "seed=0", tmp_path / "copy"))


def rewrite(path: Path, line: int, column: str, factor: float) -> None:
    """Change a number of a metrics file, whose checksums stay right."""
    names, rows = read_metrics(path)
    values = [[float(text) for text in row] for row in rows]
    values[line][names.index(column)] *= factor
    writer = MetricsWriter(path, names, size=0)
    for row in values:
        writer.append(row)
    writer.close()


def test_a_trial_is_equal_to_its_copy(sweep: Path, copy: Path) -> None:
    assert compare(sweep / "seed=0", copy) == EQUAL
    result = json.loads((copy / "result.json").read_text())
    (copy / "result.json").write_text(json.dumps({**result, "wall_seconds": 1e9}))
    assert compare(sweep / "seed=0", copy) == EQUAL  # seconds are no result


@pytest.mark.parametrize(("factor", "likeness"), [(1 + 1e-7, "last digits"), (1.01, "differs")])
@pytest.mark.parametrize("what", ["evaluations", "network", "result"])
def test_differences_are_told_apart(sweep: Path, copy: Path, what: str, factor: float, likeness: str) -> None:
    if what == "evaluations":
        rewrite(copy / "evaluations.csv", 1, "mean_return", factor)
    elif what == "network":
        weights = load_file(copy / "network.safetensors")
        first = sorted(weights)[0]
        save_file(
            {**weights, first: weights[first] * weights[first].dtype.type(factor) + (factor - 1)},
            copy / "network.safetensors",
        )
    else:
        result = json.loads((copy / "result.json").read_text())
        (copy / "result.json").write_text(
            json.dumps({**result, "final_return": result["final_return"] * factor})
        )
    verdict = compare(sweep / "seed=0", copy)
    assert verdict.likeness == likeness
    assert what in verdict.why


def test_a_row_that_is_missing_is_a_difference(sweep: Path, copy: Path) -> None:
    path = copy / "losses.csv"
    path.write_bytes(path.read_bytes()[: path.read_bytes().rindex(b"\n", 0, -1) + 1])
    assert compare(sweep / "seed=0", copy).likeness == "differs"


@pytest.mark.parametrize(("wrong", "tried"), [(0, 20), (0, 59), (1, 59), (3, 40)])
def test_the_bound_is_exact(wrong: int, tried: int) -> None:
    """With that share of wrong trials so few are found with a probability of 5%."""
    assert binom.cdf(wrong, tried, bound(wrong, tried)) == pytest.approx(0.05)


def test_59_of_59_bound_the_wrong_ones_to_5_percent() -> None:
    verdicts = [(Path(str(number)), EQUAL) for number in range(59)]
    assert bound(0, 59) < 0.05 < bound(0, 58)
    assert "at most 4.95% are wrong, with 95% confidence" in list(sentences(verdicts, 1000))[-1]
    assert list(sentences(verdicts, 59))[-1] == "These are all of them."
    other = [*verdicts, (Path("x"), AuditVerdict("last digits"))]
    assert "1 differ only in the last digits" in list(sentences(other, 1000))[1]


def test_trials_that_could_not_give_the_same_numbers_are_left_out(sweep: Path, copy: Path) -> None:
    record = json.loads((copy / "trial.json").read_text())
    for changed, told in (
        ({"device": "cuda"}, "GPU"),
        ({"imported": {}}, "logs"),
        ({"config": {**record["config"], "imports": ["mine"]}}, "--imports"),
        ({"attempts": [{**record["attempts"][0], "exact": False}]}, "not continued exactly"),
    ):
        (copy / "trial.json").write_text(json.dumps({**record, **changed}))
        found = candidates([sweep / "seed=1", copy], imports=False)
        assert found.fit == [sweep / "seed=1"]
        assert told in next(iter(found.unfit))


def test_a_record_that_was_changed_is_found(
    sweep: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = Path(shutil.copytree(sweep, tmp_path / "changed"))
    rewrite(changed / "seed=1" / "evaluations.csv", 0, "mean_return", 2.0)
    before = {path: path.read_bytes() for path in changed.rglob("*") if path.is_file()}
    assert main(["audit", str(changed), "--trials", "3", "--seed", "7", "--n-jobs", "1"]) == 1
    said = capsys.readouterr().out
    assert "3 of 3 trials, chosen at random by --seed 7." in said
    assert "seed=0: equal" in said
    assert "seed=1: differs: evaluations.csv, line 2, mean_return" in said
    assert "2 of 3 are equal to their records, bit for bit." in said
    assert "Trained by another program: 3" in said  # the fixture recorded no program
    assert {path: path.read_bytes() for path in changed.rglob("*") if path.is_file()} == before
    assert main(["audit", str(changed), "--trials", "0"]) == 2
