"""The operating systems that the program runs on."""

from __future__ import annotations

import sys


def refuse_windows() -> None:
    """Exit with one message on Windows, which lacks the signals, forks and locks of Linux and macOS."""
    if sys.platform == "win32":
        sys.exit(
            "dqn_exp runs on Linux and macOS, not on Windows; allowed there: Linux in Windows (wsl --install)"
        )
