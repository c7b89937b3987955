"""Axes whose values are varied together."""

from __future__ import annotations

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from dqn_exp.config import ConfigError
from dqn_exp.launch.combinations import combinations
from dqn_exp.plan.pairing import read_groups


def jobs(*overrides: str, file: str = "zip: []") -> list[list[str]]:
    """The trials of a command, the composed configuration having the content of `file`."""
    parsed = OverridesParser.create().parse_overrides(list(overrides))
    master = OmegaConf.create(file)
    assert isinstance(master, DictConfig)
    return combinations(parsed, read_groups(parsed, master))


PAIRS = [["buffer=500", "batch=20"], ["buffer=17k", "batch=128"]]


@pytest.mark.parametrize(
    ("overrides", "file"),
    [
        (("zip=[buffer,batch]",), "zip: []"),
        ((), "zip: [buffer, batch]"),
        ((), "zip: [[batch, buffer]]"),
        (("zip=['buffer','batch']",), "zip: [lr, gamma]"),
        (("zip=[lr,gamma]", "zip=[buffer,batch]"), "zip: []"),
    ],
)
def test_values_go_together_in_the_order_in_which_axes_are_given(
    overrides: tuple[str, ...], file: str
) -> None:
    assert jobs(*overrides, "buffer=500,17k", "batch=20,128", file=file) == PAIRS


def test_pairs_are_multiplied_with_the_rest() -> None:
    made = jobs("zip=[[buffer,batch],[lr,gamma]]", "lr=1,2", "seed=0,1", "batch=20,128", "gamma=0.5,0.6",
                "buffer=500,17k", "device=cpu")  # fmt: skip
    assert len(made) == 2 * 2 * 2
    assert made[1] == ["lr=1", "gamma=0.5", "seed=0", "batch=128", "buffer=17k", "device=cpu"]
    assert {(job[0], job[1]) for job in made} == {("lr=1", "gamma=0.5"), ("lr=2", "gamma=0.6")}


def test_a_value_may_occur_in_several_pairs() -> None:
    made = jobs("zip=[buffer,+env.kwargs.length]", "buffer=500,500,17k", "+env.kwargs.length=7,9,7")
    assert made == [
        [f"buffer={b}", f"+env.kwargs.length={n}"] for b, n in (("500", 7), ("500", 9), ("17k", 7))
    ]


@pytest.mark.parametrize(
    ("zipped", "says"),
    [
        ("[buffer,batch,gamma]", "buffer 2, batch 2, gamma 3"),
        ("[buffer,batc]", "batc is no axis here. Did you mean 'batch'?"),
        ("[[buffer,batch],[batch,gamma]]", "batch is named twice"),
        ("[buffer]", "two or more axes"),
        ("[[buffer,batch],gamma]", "two or more axes"),
        ("buffer,batch", "zip=buffer,batch: allowed"),
        ("buffer", "two or more axes"),
    ],
)
def test_what_does_not_pair_is_refused(zipped: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says.replace("?", r"\?")):
        jobs(f"zip={zipped}", "buffer=500,17k", "batch=20,128", "gamma=0.5,0.6,0.7")
