"""Where the program runs."""

from __future__ import annotations

import sys


def refuse_windows() -> None:
    """End with one message where there are no signals, forks and locks as on Linux and macOS."""
    if sys.platform == "win32":
        sys.exit(
            "dqn_exp runs on Linux and macOS, not on Windows itself; allowed there: its Linux (wsl --install)"
        )
