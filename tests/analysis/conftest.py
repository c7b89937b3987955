"""Fixtures of the analysis tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.analysis.synthetic import buffer_sweep


@pytest.fixture
def buffers(tmp_path: Path) -> Path:
    """A sweep over three buffers with three seeds each; see `buffer_sweep`."""
    return buffer_sweep(tmp_path / "sweep")
