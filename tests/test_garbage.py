"""The garbage collector is paused only for the intended time."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from dqn_exp.garbage import garbage_uncollected


@pytest.fixture(params=[True, False])
def enabled(request: pytest.FixtureRequest) -> Iterator[bool]:
    before = gc.isenabled()
    (gc.enable if request.param else gc.disable)()
    yield request.param
    (gc.enable if before else gc.disable)()


def test_it_is_as_before_afterwards(enabled: bool) -> None:
    with garbage_uncollected():
        assert not gc.isenabled()
        with garbage_uncollected():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled() is enabled


def test_an_error_does_not_leave_it_off(enabled: bool) -> None:
    with pytest.raises(ZeroDivisionError), garbage_uncollected():
        _ = 1 / 0
    assert gc.isenabled() is enabled
