"""`python -m analysis watch`: a running sweep in the browser, until Ctrl-C."""

from __future__ import annotations

import argparse
import signal
import threading
from contextlib import suppress
from pathlib import Path
from types import FrameType

from analysis.errors import AnalysisError
from analysis.watch.drawing import LatestReport
from analysis.watch.server import HOST, Server
from analysis.watch.state import Watched


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sweep", type=Path, metavar="SWEEP_DIR", help="a sweep or a study, running or not")
    parser.add_argument(
        "--port",
        type=int,
        default=0,
        help=f"port on {HOST}, which only this machine can reach (default: a free port)",
    )


def run(args: argparse.Namespace) -> None:
    if not args.sweep.is_dir():
        raise AnalysisError(f"{args.sweep} is not a directory")
    if not 0 <= args.port < 2**16:
        raise AnalysisError(f"--port {args.port}; allowed: 0 (a free port) to 65535")
    watch(args.sweep, args.port)


def watch(sweep: Path, port: int = 0) -> None:
    """Print the address, then serve the sweep until the process is interrupted or terminated.

    Raises AnalysisError, before anything is served, if this version does not know the sweep's format.
    """
    watched = Watched(sweep)
    watched.state()
    report = LatestReport(watched)
    try:
        with Server(watched, report, port) as server:
            report.start()
            print(f"{server.address} shows {sweep} (Ctrl-C ends it)", flush=True)
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGTERM, _interrupt)
            with suppress(KeyboardInterrupt):
                server.serve_forever()
    finally:
        report.close()


def _interrupt(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt
