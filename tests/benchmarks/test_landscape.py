"""The landscape benchmark: its statistics against known answers, and its sweep of configurations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from scipy.stats import permutation_test, spearmanr

from analysis import load_runs
from tests.benchmarks.landscape import agreement, page, scores
from tests.benchmarks.landscape.__main__ import main, untrained
from tests.benchmarks.landscape.comparison import compare
from tests.benchmarks.landscape.reference import LANDSCAPES, configurations, read_reference, write_sweep
from tests.benchmarks.pages import BEGIN, END
from tests.program import run_here


def simulated(n_configurations: int, n_seeds: int, of_seeds: float, seed: int) -> np.ndarray:
    """Scores whose variance is 1 between configurations and `of_seeds` within them."""
    rng = np.random.default_rng(seed)
    means = rng.normal(size=(n_configurations, 1))
    return means + np.sqrt(of_seeds) * rng.normal(size=(n_configurations, n_seeds))


def test_rank_correlation_is_spearman_s_with_ties() -> None:
    first, second = simulated(30, 3, 1.0, 0).round(), simulated(30, 5, 1.0, 1).round()
    expected = spearmanr(first.mean(axis=1), second.mean(axis=1)).statistic
    assert agreement.rank_correlation(first, second) == pytest.approx(expected)
    assert np.isnan(agreement.rank_correlation(np.ones((4, 2)), second[:4]))


def test_other_seeds_of_the_same_trials_agree_as_theory_says() -> None:
    """Means of 3 and of 7 normal scores correlate by 1 / sqrt((1 + 1/3) (1 + 1/7)) = 0.81."""
    scores = simulated(2000, 10, 1.0, 2)
    rng = np.random.default_rng(0)
    found = agreement.between_seeds(agreement.rank_correlation, scores, 3, 7, rng, repetitions=20)
    assert found.value == pytest.approx(6 / np.pi * np.arcsin(0.81 / 2), abs=0.02)  # Spearman's of a normal
    assert found.low <= found.value <= found.high


def test_share_of_seeds_is_that_of_a_mixed_model() -> None:
    scores = simulated(40, 4, 0.5, 3)
    table = (
        pd.DataFrame(scores).melt(ignore_index=False, value_name="score").reset_index(names="configuration")
    )
    fitted = smf.mixedlm("score ~ 1", table, groups="configuration").fit(reml=True)
    expected = fitted.scale / (fitted.scale + float(fitted.cov_re.iloc[0, 0]))
    assert agreement.share_of_seeds(scores) == pytest.approx(expected, rel=1e-3)
    assert agreement.share_of_seeds(np.arange(3.0)[:, None] * np.ones(2)) == 0


def test_differences_are_exact_permutation_tests() -> None:
    ours, theirs = simulated(4, 3, 1.0, 4), simulated(4, 5, 1.0, 5)
    for row, p in enumerate(agreement.differences(ours, theirs)):
        exact = permutation_test(
            (ours[row], theirs[row]),
            lambda x, y: abs(x.mean() - y.mean()),
            n_resamples=np.inf,
            alternative="greater",
        )
        assert p == pytest.approx(exact.pvalue)
    assert agreement.differences(np.full((1, 3), -200.0), np.full((1, 10), -200.0)) == [1.0]


def test_the_difference_over_all_configurations() -> None:
    """Of one configuration it is its exact test; of many, a gap that none shows by itself is seen."""
    ours, theirs = simulated(1, 3, 1.0, 4), simulated(1, 5, 1.0, 5)
    p = agreement.difference_of_all(ours, theirs, np.random.default_rng(0), 20_000)
    assert p == pytest.approx(agreement.differences(ours, theirs)[0], abs=0.02)
    ours, theirs = simulated(60, 3, 1.0, 6) + 0.5, simulated(60, 10, 1.0, 6)
    assert agreement.difference_of_all(ours, theirs, np.random.default_rng(0)) < 0.01
    even = agreement.difference_of_all(ours - 0.5, theirs, np.random.default_rng(0))
    assert even > 0.05


def test_an_interval_over_configurations_holds_its_value() -> None:
    first, second = simulated(50, 3, 0.2, 6), simulated(50, 3, 0.2, 6) + 1.0
    found = agreement.over_configurations(
        agreement.rank_correlation, first, second[::-1], rng=np.random.default_rng(0), repetitions=200
    )
    assert found.low < found.value < found.high


def test_the_best_ten_of_either_side() -> None:
    scores = np.arange(30.0).reshape(15, 2)
    assert agreement.best(scores) == list(range(14, 4, -1))
    assert agreement.best_in_both(scores, scores) == 10
    assert agreement.best_in_both(scores, -scores) == 5
    rng = np.random.default_rng(0)
    found = agreement.with_others(agreement.best_in_both, scores, scores + 100, 1, rng, repetitions=20)
    assert tuple(found) == (10, 10, 10)


def reference(folder: Path) -> pd.DataFrame:
    """A landscape of four configurations in the form of theirs."""
    rows = [
        {
            "run_id": run,
            "budget": budget,
            "performance": 10.0 * run + seed,
            "hp_config.buffer_batch_size": 64,
            "hp_config.buffer_prio_sampling": run % 2 == 1,
            "hp_config.buffer_size": 2000 + run,
            "hp_config.initial_epsilon": 0.9,
            "hp_config.learning_rate": 0.001 * (run + 1),
            "hp_config.learning_starts": 17,
            "hp_config.target_epsilon": 0.05,
            "hp_config.use_target_network": run >= 2,
            "hp_config.buffer_alpha": 0.25 + run / 4 if run % 2 else None,
            "hp_config.buffer_beta": 0.25 + run / 8 if run % 2 else None,
            "hp_config.buffer_epsilon": 1e-5 * run if run % 2 else None,
            "hp_config.target_update_interval": 9 * (run - 1) if run >= 2 else None,
            "seed": seed,
        }
        for run in range(4)
        for budget in (25_000, 50_000)
        for seed in range(5)
    ]
    pd.DataFrame(rows).to_csv(folder / f"{LANDSCAPES[0].file}.csv.xz", index=False)
    return read_reference(folder, LANDSCAPES[0])


def test_each_configuration_is_trained_with_what_it_says_and_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Combinations of replay and target network, cut short; 9 steps are two rounds, 18 are three."""
    monkeypatch.setattr(page, "PAGE", tmp_path / "page.md")
    monkeypatch.setattr("tests.benchmarks.landscape.__main__.FIGURES", tmp_path / "figures")
    (tmp_path / "figures").mkdir()
    table = reference(tmp_path)
    assert table["score"].tolist() == [10 * run + seed for run in range(4) for seed in range(5)]
    write_sweep(tmp_path / "sweeps" / "cartpole.yaml", LANDSCAPES[0], configurations(table, 4), seeds=2)
    brief = ("budget.env_steps=512", "evaluation.final_episodes=1", "report=false")
    where = ("hydra.sweep.dir=trials/cartpole", "hydra/launcher=basic")
    ended = run_here("-m", "sweeps=cartpole", *brief, *where, cwd=tmp_path)
    assert ended.code == 0, ended.said
    runs = load_runs(tmp_path / "trials")
    runs = runs[runs["seed"] == 1].sort_values("lr")
    assert runs["replay.name"].tolist() == ["uniform", "prioritised"] * 2
    assert runs["target.name"].tolist() == ["none", "none", "steps", "steps"]
    assert runs["update_every"].tolist()[2:] == [16, 24]
    assert runs["replay.alpha"].tolist()[1::2] == [0.5, 1.0]
    assert runs["replay.beta_end"].tolist()[1::2] == [0.375, 0.625]
    assert runs["buffer"].tolist() == [2000, 2001, 2002, 2003]
    assert set(runs["env.parallel"]) == {8}
    assert (runs["updates"] == 128 * 2).all()
    file = tmp_path / "scores.csv"
    scores.add(file, LANDSCAPES[0], configurations(table, 3), tmp_path / "trials" / "cartpole")
    left = pd.concat(untrained(LANDSCAPES[0], tmp_path, count=4, seeds=2, file=file))
    assert left["configuration"].tolist() == [3], "what has its scores is not trained again"
    scores.add(file, LANDSCAPES[0], configurations(table, 4), tmp_path / "trials" / "cartpole")
    assert not list(untrained(LANDSCAPES[0], tmp_path, count=4, seeds=2, file=file))
    assert len(scores.read(file)) == 8, "a trial has one score"
    found = compare(LANDSCAPES[0], tmp_path, file, seeds=2)
    assert found.ours[:, 1].tolist() == runs["final_return"].tolist()
    assert found.theirs.tolist() == [[10 * run + seed for seed in range(5)] for run in range(4)]
    page.PAGE.write_text(f"Before.\n{BEGIN}\nold\n{END}\nBehind.\n")
    options = [
        "--write",
        "--seeds",
        "2",
        "--environments",
        "cartpole",
        "--directory",
        str(tmp_path),
        "--scores",
        str(file),
        "--only-compare",
    ]
    monkeypatch.setattr("sys.argv", ["landscape", str(tmp_path), *options])
    main()
    told = capsys.readouterr().out
    assert "| CartPole-v1 | 4 |" in told
    assert "2 of theirs with their other 3" in told
    assert "| CartPole-v1 | yes | no | 1 | 12.0 |" in told
    written = page.PAGE.read_text()
    assert "| CartPole-v1 | 4 |" in written
    assert "old" not in written
    assert (written[:7], written[-8:]) == ("Before.", "Behind.\n")
    names = {path.name for path in (tmp_path / "figures").iterdir()}
    assert names == {"landscape_scores.png", "landscape_agreement.png"}
