"""A key that the chosen agent or network does not read is refused, and not recorded in silence."""

from __future__ import annotations

from typing import Any

import pytest

from dqn_exp.config.errors import ConfigError
from dqn_exp.config.formats import FORMAT, recorded_config
from dqn_exp.config.parsing import parse_config
from dqn_exp.config.schema import AgentConfig
from dqn_exp.registry import agents, networks
from tests.helpers import make_config, make_values


@agents.register("test_reads_options")
def reads_options(*parts: Any) -> None: ...


@agents.register("test_reads_more")
class ReadsMore:
    keys = ("double", "learning_starts")


@agents.register("test_reads_what_is_not")
class ReadsWhatIsNot:
    keys = ("dubble",)


networks.register("test_own_network")(lambda *parts: None)


def refusal(**settings: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        make_config(**settings)
    return str(caught.value)


DOES_NOT_READ = "agent.name=test_reads_options does not read"


UNREAD = [
    ("double", True, "true", "false"),
    ("loss", "huber", "huber", "mse"),
    ("max_grad_norm", 10, "10.0", "null"),
    ("max_grad_value", 1, "1.0", "null"),
    ("learning_starts", "1k", "1000", "0"),
    ("updates_per_train", 2, "2", "1"),
    ("munchausen", True, "{'tau': 0.03, 'alpha': 0.9, 'clip': -1.0}", "null"),
    ("max_abs_reward", 1, "1.0", "null"),
]


@pytest.mark.parametrize(("key", "value", "given", "default"), UNREAD)
def test_an_agent_of_one_s_own_reads_its_options_alone(
    key: str, value: object, given: str, default: str
) -> None:
    assert refusal(agent__name="test_reads_options", **{f"agent__{key}": value}) == (
        f"agent.{key}={given}: {DOES_NOT_READ} {key}; "
        f"allowed: {default}, or '{key}' in the agent's attribute `keys`"
    )


def test_each_key_that_an_own_agent_may_not_read_is_tried() -> None:
    assert {key for key, *_ in UNREAD} == AgentConfig.model_fields.keys() - {"name", "options"}


def test_every_key_that_is_not_read_has_its_line() -> None:
    lines = refusal(agent="rainbow", agent__name="test_reads_options").splitlines()
    assert [line.partition("=")[0] for line in lines] == [
        *("agent.double", "agent.max_grad_norm", "agent.learning_starts")
    ]


def test_an_agent_of_one_s_own_names_the_keys_that_it_reads() -> None:
    own = {"agent__name": "test_reads_more", "agent__options": {"tau": 0.1}}
    config = make_config(**own, agent__double=True, agent__learning_starts=500)
    assert config.agent.double
    assert refusal(**own, agent__loss="huber").startswith("agent.loss=huber: agent.name=test_reads_more does")


def test_a_key_that_no_agent_has_cannot_be_read() -> None:
    assert refusal(agent__name="test_reads_what_is_not").startswith(
        "agent.name=test_reads_what_is_not: its attribute `keys` names dubble; allowed: name, double, loss, "
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"agent__options": {"tau": 3, "on": True}},
            "agent.options.tau=3, agent.options.on=true: agent.name=dqn is built in and reads no "
            "agent.options; allowed: agent.options={}, or agent.name=one of your own",
        ),
        (
            {"network__options": {"x": 1}},
            "network.options.x=1: network.name=mlp is built in and reads no network.options; allowed: "
            "network.options={}, or network.name=one of your own",
        ),
    ],
)
def test_built_in_parts_have_no_options(settings: dict[str, Any], message: str) -> None:
    assert refusal(**settings) == message


def test_a_network_of_one_s_own_has_options() -> None:
    config = make_config(network__name="test_own_network", network__options={"x": 1})
    assert config.network.options == {"x": 1}


@pytest.mark.parametrize(
    "settings",
    [{"agent__name": "test_reads_options", "agent__double": True}, {"agent__options": {"tau": 3}}],
)
def test_records_with_keys_that_were_not_read_are_still_read(settings: dict[str, Any]) -> None:
    config = parse_config(make_values(**settings))
    record = {"format": FORMAT, "config": config.record()}
    assert recorded_config(record).hash() == config.hash()
