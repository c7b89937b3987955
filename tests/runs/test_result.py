"""Which trial a directory holds, and in which format."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dqn_exp.config import ConfigError
from dqn_exp.runs.description import rewrite
from dqn_exp.runs.files import DamagedRecord
from dqn_exp.runs.record import run_trial
from dqn_exp.runs.result import check_owner, read_description
from dqn_exp.runs.taking import Unfit, check_fit
from dqn_exp.runs.tracking import identify
from tests.helpers import make_config
from tests.program import tree

CONFIG = make_config()
NEWER = "was written by a newer version of dqn_exp: it has format 99; allowed: formats 1, 2"


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    """A finished trial of this configuration, in a format that does not exist yet."""
    record = {"format": 99, "config": CONFIG.record(), "config_hash": CONFIG.hash(), "seed": 0}
    attempt = {"started": "2030-01-01T00:00:00+00:00", "exact": True}
    (tmp_path / "trial.json").write_text(json.dumps({**record, "attempts": [attempt]}))
    (tmp_path / "result.json").write_text(json.dumps({"status": "exhausted"}))
    return tmp_path


def test_a_newer_format_is_refused_by_whoever_reads_it(newer: Path) -> None:
    before, message = tree(newer), f"^{newer / 'trial.json'} {NEWER}$"
    with pytest.raises(ConfigError, match=message):
        read_description(newer)
    with pytest.raises(ConfigError, match=message):
        check_owner(CONFIG, newer)
    with pytest.raises(ConfigError, match=message):
        rewrite(CONFIG, newer)
    with pytest.raises(ConfigError, match=message):
        identify(newer)
    with pytest.raises(Unfit, match=message):
        check_fit(newer, CONFIG)
    assert tree(newer) == before


def test_a_trial_of_a_newer_format_is_not_trained_over(newer: Path) -> None:
    description = (newer / "trial.json").read_bytes()
    with pytest.raises(ConfigError, match=NEWER):
        run_trial(CONFIG, newer, {})
    assert (newer / "trial.json").read_bytes() == description
    assert json.loads((newer / "result.json").read_text()) == {"status": "exhausted"}


def test_a_description_that_is_no_object_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "trial.json").write_text("[]")
    with pytest.raises(DamagedRecord, match=r"trial.json is damaged: it does not hold a JSON object"):
        read_description(tmp_path)
