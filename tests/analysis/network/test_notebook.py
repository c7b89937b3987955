"""A trained network in a notebook, without a kernel; with a kernel: tests/test_notebook.py."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from analysis import policy
from analysis.errors import AnalysisError
from analysis.network import Film


def test_it_is_said_what_sliders_need(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(AnalysisError, match=r"'dqn_exp\[notebook\]'.*python -m analysis policy a"):
        policy("a")


def test_a_film_is_in_the_page(tmp_path: Path) -> None:
    path = tmp_path / "video.mp4"
    path.write_bytes(b"film")
    assert 'src="data:video/mp4;base64,ZmlsbQ=="' in Film(path)._repr_html_()
