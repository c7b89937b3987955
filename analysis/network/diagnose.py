"""`python -m analysis diagnose TRIAL`: why it did not learn, as checks with evidence."""

from __future__ import annotations

import argparse
import json
import math
from typing import TYPE_CHECKING, Any

from analysis.network.command_line import add_trial_arguments
from dqn_exp.text import format_number

if TYPE_CHECKING:
    from analysis.network.checks import Finding
    from analysis.network.evidence import Evidence

COLORS = {"ok": "green", "suspect": "yellow", "bad": "bold red"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_trial_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def run(arguments: argparse.Namespace) -> None:
    from analysis.network.checks import run_checks
    from analysis.network.evidence import gather

    evidence = gather(arguments.trial, arguments.best, arguments.imports)
    findings = run_checks(evidence)
    outcome = _outcome(evidence)
    if arguments.json:
        listed = [_plain(finding._asdict()) for finding in findings]
        print(json.dumps({"trial": str(arguments.trial), **_plain(outcome), "findings": listed}, indent=2))
    else:
        _print(outcome, findings)


def _outcome(evidence: Evidence) -> dict[str, Any]:
    means = [mean for mean in evidence.evaluations.get("mean_return", ()) if math.isfinite(mean)]
    return {
        "status": evidence.status,
        "cause": evidence.result.get("cause"),
        "threshold": evidence.config.convergence.threshold,
        "best_return": float(max(means)) if means else None,
        "final_return": evidence.result.get("final_return"),
        "env_steps": evidence.env_steps,
        "updates": evidence.updates,
    }


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """`values` with None in place of NaN and infinities, which JSON does not allow."""
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in values.items()
    }


def _print(outcome: dict[str, Any], findings: list[Finding]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    reached = [f"{name} {format_number(outcome[key])}" for name, key in _RETURNS if outcome[key] is not None]
    steps = format_number(outcome["env_steps"])
    console.print(Text(f"{outcome['status']} after {steps} steps: {', '.join(reached)}"))
    if outcome["status"] == "converged":
        console.print("It learned: checks that are suspect or bad below did not prevent that.")
    table = Table(show_edge=False, header_style="dim")
    for column in ("", "check", "evidence", "try"):
        table.add_column(column, overflow="fold", min_width=len(column))
    for finding in findings:
        status = Text(finding.status, COLORS[finding.status])
        table.add_row(status, finding.check, Text(finding.evidence), Text(finding.suggestion))
    console.print(table)


_RETURNS = (
    ("best evaluation", "best_return"),
    ("final return", "final_return"),
    ("threshold", "threshold"),
)
