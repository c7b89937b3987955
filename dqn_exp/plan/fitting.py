"""Apply values of keys that only some options of a swept group have to those options only."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from omegaconf import DictConfig, OmegaConf

from dqn_exp.config import SHORT_NAMES, ConfigError, dotted

Options = tuple[str, ...]
"""The options of config groups that a job chooses, such as ("replay=uniform", "target=steps")."""
LONG_NAMES = {short: name for name, short in SHORT_NAMES.items()}


def fit(
    jobs: Sequence[Sequence[str]],
    chosen: Callable[[str], bool],
    compose: Callable[[Options], DictConfig],
    paired: Collection[str] = (),
) -> tuple[list[list[str]], list[str]]:
    """`jobs` without the values for which their options have no key, each job once; and remarks about it.

    Example: replay=uniform,prioritised with replay.alpha=0.4,0.6 keeps one job with uniform replay.

    - A key with a single value is meant for every job: raises ConfigError if an option lacks the key.
    - Keys that are `paired` with others count as having several values, even if these are equal.
    - `chosen` tells whether an override chooses an option of a group.
    - `compose` returns the configuration of the given options.
    """
    options = [tuple(text for text in job if chosen(text)) for job in jobs]
    composed = {option: compose(option) for option in dict.fromkeys(options)} if len(set(options)) > 1 else {}
    absent: dict[str, list[Options]] = {}
    for key, texts in _values(jobs, chosen).items():
        lacking = [option for option, config in composed.items() if not _has(config, key)]
        if lacking and len(lacking) < len(composed):
            if len(texts) > 1 or key in paired:
                absent[key] = lacking
            elif key not in LONG_NAMES:  # a short name may have the option's own value
                raise _missing_key(next(iter(texts)), key, lacking[0], composed)
    fitted: list[list[str]] = []
    shortened: set[tuple[str, ...]] = set()
    for job, option in zip(jobs, options, strict=True):
        fitting = [text for text in job if option not in absent.get(_key(text), ())]
        if len(fitting) == len(job) or tuple(fitting) not in shortened:
            fitted.append(fitting)
        if len(fitting) < len(job):
            shortened.add(tuple(fitting))
    remarks = [
        f"{key} is left out of trials with {_named(lacking, key, composed)}, which have no such key"
        for key, lacking in absent.items()
    ]
    return fitted, remarks


def _values(jobs: Sequence[Sequence[str]], chosen: Callable[[str], bool]) -> dict[str, dict[str, None]]:
    """The overrides of each existing key, without groups, added keys and Hydra's own keys."""
    texts_by_key: dict[str, dict[str, None]] = {}
    for text in (text for job in jobs for text in job):
        if text[0] not in "+~" and not text.startswith("hydra") and not chosen(text):
            texts_by_key.setdefault(_key(text), {})[text] = None
    return texts_by_key


def _key(text: str) -> str:
    return text.partition("=")[0]


def _has(config: DictConfig, key: str) -> bool:
    section, _, name = LONG_NAMES.get(key, key).rpartition(".")
    return name in _keys(config, section)


def _keys(config: DictConfig, section: str) -> list[str]:
    """The keys of a section, including keys without a value, which `in` does not find in a DictConfig."""
    node = OmegaConf.select(config, section) if section else config
    return list(map(str, node.keys())) if isinstance(node, DictConfig) else []


def _named(lacking: Sequence[Options], key: str, composed: Mapping[Options, DictConfig]) -> str:
    """The options that lack a key, as text: only those of the key's own group, if that is swept."""
    common = set.intersection(*map(set, composed))
    section = LONG_NAMES.get(key, key)
    varied = [[text for text in option if text not in common] for option in lacking]
    own = [
        [text for text in option if section.startswith(f"{_key(dotted(text))}.")] or option
        for option in varied
    ]
    return " and ".join(dict.fromkeys(" ".join(map(dotted, option)) for option in own))


def _missing_key(text: str, key: str, option: Options, composed: Mapping[Options, DictConfig]) -> ConfigError:
    section, _, name = key.rpartition(".")
    known = _keys(composed[option], section)
    return ConfigError(
        f"{text}: {_named([option], key, composed)} has no {name}; allowed: {', '.join(known) or 'nothing'}, "
        f"or several values of {key}, which only the options that have the key use"
    )
