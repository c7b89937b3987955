"""Trials that may have been seen before the question was asked, and the consequences for the tests."""

from __future__ import annotations

from collections.abc import Iterator

from analysis.records import BLOCK, PROGRAM, Sweep


def sentences(sweep: Sweep) -> Iterator[str]:
    """The origin of trials that were not trained here, and a caution if seeds were added to known trials."""
    yield from _imported(sweep)
    in_looks, taken_from = any(plan.looks for plan in sweep.plans), sweep.taken_from
    if taken_from:
        places = " and ".join(f"{count} in {folder}" for folder, count in taken_from.most_common())
        where = places if len(taken_from) > 1 else f"in {next(iter(taken_from))}"
        subject = "trial was" if len(sweep.rows) == 1 else "trials were"
        yield (
            f"{taken_from.total()} of {len(sweep.rows)} {subject} not trained for this sweep, but taken from "
            f"earlier training by the same program, {where}."
        )
    if taken_from and in_looks:
        yield (
            "The looks keep their declared error, unless values or looks were chosen because of the results "
            "of these trials. With seeds that nobody has seen (seeds.first) they keep it in any case."
        )
    if any(plan.extended and not plan.looks for plan in sweep.plans):
        yield f"Seeds were added after the sweep had ended. {_WHAT_OF_IT}"
    elif sweep.extends_taken_configurations and not in_looks:
        yield f"Seeds were added to trials that had been seen before. {_WHAT_OF_IT}"


def _imported(sweep: Sweep) -> Iterator[str]:
    """Cautions about trials that other programs trained."""
    imported = [trial for trial in sweep.trials if trial.imported]
    if not imported:
        return
    programs = " and ".join(dict.fromkeys(str(trial.config[PROGRAM]) for trial in imported))
    yield (
        f"Read from the logs of other programs ({programs}): {len(imported)} of {len(sweep.rows)} trials. "
        "Values missing in these logs are unknown. The logs do not say whether a trial was complete: a trial "
        "that did not converge is censored at the end of its log."
    )
    if sweep.by_training:
        yield (
            f"Without evaluations during training: {len(sweep.by_training)} of them. They are judged by "
            f"blocks of {BLOCK} training episodes. These episodes explore, so their returns are not those of "
            "greedy evaluations, and times from the two are not comparable."
        )


_WHAT_OF_IT = (
    "If the reason was their results, the tests find too much: if tests are repeated at five numbers of "
    "seeds, 14% of sweeps without any effect show one, instead of 5%. A sweep with seed=until_decided adds "
    "seeds and keeps its error."
)
