"""Trials that may have been seen before the question was asked, and the consequences for the tests."""

from __future__ import annotations

from collections.abc import Iterator

from analysis.records import BLOCK, PROGRAM, Sweep


def sentences(sweep: Sweep) -> Iterator[str]:
    """The origin of trials that were not trained here, and a caution if seeds were added to known trials."""
    yield from _imported(sweep)
    in_looks, found = any(plan.looks for plan in sweep.plans), sweep.taken_from
    if found:
        places = " and ".join(f"{count} in {folder}" for folder, count in found.most_common())
        where = places if len(found) > 1 else f"in {next(iter(found))}"
        were = "trial was" if len(sweep.rows) == 1 else "trials were"
        yield (
            f"{found.total()} of {len(sweep.rows)} {were} not trained for this sweep: the same program had "
            f"done so before, {where}."
        )
    if found and in_looks:
        yield (
            "The looks keep their declared error unless values or looks were chosen because of what these "
            "trials had shown; seeds that nobody has seen (seeds.first) keep it in any case."
        )
    if any(plan.extended and not plan.looks for plan in sweep.plans):
        yield f"Seeds were added when the sweep had come to its end. {_WHAT_OF_IT}"
    elif sweep.adds_to_taken and not in_looks:
        yield f"Seeds were added to trials that had been seen before. {_WHAT_OF_IT}"


def _imported(sweep: Sweep) -> Iterator[str]:
    """Cautions about trials that other programs trained."""
    found = [trial for trial in sweep.trials if trial.imported]
    if not found:
        return
    programs = " and ".join(dict.fromkeys(str(trial.config[PROGRAM]) for trial in found))
    yield (
        f"Read from the logs of other programs ({programs}): {len(found)} of {len(sweep.rows)} trials. What "
        f"these do not tell is unknown here. They do not say either whether a trial came to its end: it "
        f"counts as unconverged for as long as its log goes."
    )
    if sweep.by_training:
        yield (
            f"Not evaluated while they trained: {len(sweep.by_training)} of them. They are judged by "
            f"their training episodes, in blocks of {BLOCK}: these explore, so that their returns are not "
            f"those of greedy evaluations, and times by one are not comparable with times by the other."
        )


_WHAT_OF_IT = (
    "If that was because of what was seen, the tests say too much: read at five numbers of seeds, 14% of "
    "sweeps without any effect show one, and not 5%. A sweep with seed=until_decided adds seeds and keeps "
    "its error."
)
