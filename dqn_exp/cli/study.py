"""The analyst of studies, which uses the estimates and reports of `analysis`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dqn_exp.study import Judgement

if TYPE_CHECKING:
    import optuna


class StudyAnalyst:
    """Judges the confirmation of a study, and writes its report."""

    def judge(self, confirmation: Mapping[str, Any]) -> Judgement:
        from analysis.study import compare, confirmation_rows, confirmed

        found = compare(confirmation)
        tables = {name: confirmation_rows(found, name) for name in confirmation["objectives"]}
        return Judgement(found.differences(), tables, list(confirmed(found)))

    def write_report(self, study: optuna.Study, output: Path) -> Path:
        from analysis.study import write_report

        return write_report(study, output)
