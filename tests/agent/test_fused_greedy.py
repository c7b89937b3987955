"""The fused learner: greedy actions for batches, and the Q-values that an update reports."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dqn_exp.agent.fused import FusedLearner
from dqn_exp.replay import Transitions
from tests.agent.test_learners import DEEP, SHALLOW, Units, configure, make_network, make_transitions

each_network = pytest.mark.parametrize("units", [[6, 3], SHALLOW, DEEP], ids=str)
each_depth = pytest.mark.parametrize("units", [SHALLOW, DEEP], ids=str)


def make_learner(units: Units, **settings: object) -> FusedLearner:
    config = configure(units, **settings)
    return FusedLearner(make_network(config, units), config.agent, config.optimizer, has_target=True)


def expected_values(learner: FusedLearner, rows: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        values: np.ndarray = learner.network(torch.from_numpy(rows)).numpy()
    return values


def set_output_bias(learner: FusedLearner, values: list[float]) -> None:
    with torch.no_grad():
        list(learner.network.parameters())[-1][:] = torch.tensor(values)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@each_network
def test_greedy_takes_a_batch_and_returns_one_action_for_each_row(units: Units, activation: str) -> None:
    learner, rows = make_learner(units, network__activation=activation), make_transitions(units).observation
    expected = expected_values(learner, rows).argmax(1)
    for size in (1, 2, 33, 400, 1):
        actions = learner.greedy(rows[:size])
        assert (actions.dtype, actions.shape) == (np.int64, (size,))
        assert actions.tolist() == expected[:size].tolist()


def test_actions_that_are_kept_do_not_change() -> None:
    learner, rows = make_learner(DEEP), make_transitions(DEEP).observation
    kept = [learner.greedy(rows[i : i + 1]) for i in range(100)]
    assert np.concatenate(kept).tolist() == expected_values(learner, rows[:100]).argmax(1).tolist()


@each_network
def test_values_keep_the_leading_axes(units: Units) -> None:
    learner, rows = make_learner(units), make_transitions(units).observation[:12]
    expected = expected_values(learner, rows)
    np.testing.assert_allclose(learner.values(rows), expected, atol=1e-6)
    np.testing.assert_allclose(learner.values(rows.reshape(3, 4, -1)), expected.reshape(3, 4, -1), atol=1e-6)
    np.testing.assert_allclose(learner.values(rows[0]), expected[0], atol=1e-6)
    assert learner.values(rows[:0]).shape == (0, units[-1])


def test_observations_of_another_type_or_layout_are_read_as_what_they_mean() -> None:
    learner, rows = make_learner(DEEP), make_transitions(DEEP).observation[:40]
    actions, values = learner.greedy(rows), learner.values(rows)
    for same in (rows.astype(np.float64), np.asfortranarray(rows), np.repeat(rows, 2, axis=1)[:, ::2]):
        assert learner.greedy(same).tolist() == actions.tolist()
        assert (learner.values(same) == values).all()


def test_indices_and_weights_of_another_type_or_layout_are_read_as_what_they_mean() -> None:
    transitions, indices = make_transitions(DEEP), np.arange(40)
    weights = np.linspace(0.1, 1, 40, dtype=np.float32)
    expected = make_learner(DEEP).update(transitions, indices, weights)
    strided = np.repeat(indices, 2)[::2]
    for others in ((indices.astype(np.int32), weights.astype(np.float64)), (strided, weights)):
        assert make_learner(DEEP).update(transitions, *others) == expected


@pytest.mark.parametrize(
    ("field", "column", "words"),
    [
        ("action", np.zeros(400, np.int32), "transitions.action is int32[400]; must be int64[N]"),
        ("reward", np.zeros(800, np.float32)[::2], "transitions.reward is float32[400]; must be float32[N]"),
        ("observation", np.zeros((400, 5), np.float32), "must be float32[N, 6] without gaps"),
    ],
)
def test_transitions_that_would_be_misread_are_refused(field: str, column: np.ndarray, words: str) -> None:
    transitions: Transitions = make_transitions(DEEP)._replace(**{field: column})
    with pytest.raises(TypeError) as error:
        make_learner(DEEP).update(transitions, np.arange(10), None)
    assert words in str(error.value)


def test_what_has_another_number_of_axes_is_refused() -> None:
    learner, transitions = make_learner(DEEP), make_transitions(DEEP)
    with pytest.raises(ValueError, match="unpack"):
        learner.greedy(transitions.observation[0])
    with pytest.raises(ValueError, match="unpack"):
        learner.update(transitions, np.zeros((4, 5), np.int64), None)
    with pytest.raises(ValueError, match="must be as many as indices"):
        learner.update(transitions, np.arange(10), np.ones(9, np.float32))


@pytest.mark.parametrize("batch_size", [20, 300])
@each_depth
def test_the_largest_value_is_that_of_the_batch(units: Units, batch_size: int) -> None:
    """Before the step, for any action, positive or negative."""
    learner, transitions = make_learner(units), make_transitions(units)
    set_output_bias(learner, [0.5] * (units[-1] - 1) + [-7.0])
    expected = abs(expected_values(learner, transitions.observation[:batch_size])).max()
    learner.update(transitions, np.arange(batch_size), None)
    assert learner.largest_value == pytest.approx(expected, rel=1e-5)
    assert learner.statistics()[2] == learner.largest_value


@pytest.mark.parametrize("batch_size", [20, 300])
@each_depth
def test_a_value_that_is_not_finite_shows_even_where_the_loss_does_not(units: Units, batch_size: int) -> None:
    """The last action was never taken, and the next states end the episode: only its own Q-values tell."""
    transitions = make_transitions(units)
    transitions.action[:] = 0
    transitions.discount[:] = 0
    for bad in (np.nan, np.inf, -np.inf):
        learner = make_learner(units)
        set_output_bias(learner, [0.0] * (units[-1] - 1) + [bad])  # of the online network alone
        assert np.isfinite(learner.update(transitions, np.arange(batch_size), None))
        assert np.isnan(learner.largest_value) == np.isnan(bad)
        assert np.isinf(learner.largest_value) == np.isinf(bad)


@each_depth
def test_nan_in_one_sample_shows_wherever_it_stands(units: Units) -> None:
    for row in (0, 7, 8, 31, 299):
        learner, transitions = make_learner(units), make_transitions(units)
        transitions.observation[row, 0] = np.nan
        learner.update(transitions, np.arange(300), None)
        assert np.isnan(learner.largest_value)


@each_depth
def test_infinities_of_both_signs_are_the_largest_value(units: Units) -> None:
    """Their sum is not a number, but they are."""
    learner, transitions = make_learner(units), make_transitions(units)
    set_output_bias(learner, [np.inf, -np.inf, 0.0][: units[-1]])
    learner.update(transitions, np.arange(40), None)
    assert learner.largest_value == np.inf
