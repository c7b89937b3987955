from __future__ import annotations

import pytest

from dqn_exp.config.sizes import format_size, parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        (500, 500), (0, 0), (-5, -5), ("500", 500), ("17k", 17_000), ("1.5k", 1_500), ("1M", 1_000_000),
        ("2e4", 20_000), (2e4, 20_000), ("2E4", 20_000), ("16Ki", 16_384), ("0.5Ki", 512), ("1Mi", 1 << 20),
        ("1Gi", 1 << 30), ("2G", 2 * 10**9), ("1_000", 1_000), (" 17k ", 17_000), ("17 k", 17_000),
        ("+3k", 3_000), ("-3k", -3_000), ("1e-3M", 1_000), ("0.001k", 1), ("0.1k", 100), ("1.1k", 1_100),
        ("00012", 12), ("12345678901234567891k", 12345678901234567891000), (10**30, 10**30),
    ],
)  # fmt: skip
def test_sizes(text: object, size: int) -> None:
    assert parse_size(text) == size
    assert type(parse_size(text)) is int


@pytest.mark.parametrize(
    "text",
    [
        "abc", "", " ", "k", "17kk", "17K", "17m", "17 kB", "0.5", "1.5", 1.5, "1e-3", "0.0001k", "17k5",
        "1,000", "0x10", "1e", ".", "-", "nan", "inf", float("nan"), float("inf"), True, False, None, [],
        [17], {}, "\uff11\uff17", "1e1000", "17k\n5", "_1",
    ],
)  # fmt: skip
def test_what_is_no_size_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match=r"not a|unknown suffix"):
        parse_size(text)


def test_every_written_size_reads_back() -> None:
    counts = [
        *range(0, 3000),
        *(10**k for k in range(13)),
        *(2**k for k in range(41)),
        16_384,
        17_000,
        123_456_789,
    ]
    assert [parse_size(format_size(count)) for count in counts] == counts


@pytest.mark.parametrize(
    ("count", "text"),
    [(17_000, "17k"), (16_384, "16Ki"), (500, "500"), (1_000_000, "1M"), (0, "0"), (1_500, "1500")],
)
def test_sizes_are_written_short(count: int, text: str) -> None:
    assert format_size(count) == text
