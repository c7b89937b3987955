"""`zip=[buffer,batch]`: axes whose values are paired one by one, instead of being multiplied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, ListConfig, OmegaConf

from dqn_exp.config import ConfigError, did_you_mean, group_key

ZIP = "zip"
Groups = list[list[str]]
ALLOWED = (
    "allowed: two or more axes, zip=[buffer,batch], or several such lists: zip=[[buffer,batch],[lr,gamma]]"
)


def read_groups(overrides: Sequence[Override], master: DictConfig) -> Groups:
    """The axes that `zip` names, a list for each group; raises ConfigError for anything else.

    Values in `overrides` take precedence over the composed `master`.
    """
    value: object = master.get(ZIP, [])
    for override in overrides:
        if override.get_key_element() == ZIP:
            if override.is_sweep_override():
                raise ConfigError(f"{override.input_line}: {ALLOWED}")
            value = override.value()
    plain = OmegaConf.to_container(value) if isinstance(value, ListConfig) else value
    groups = [plain] if isinstance(plain, list) and any(isinstance(name, str) for name in plain) else plain
    if not isinstance(groups, list) or not all(map(_is_group, groups)):
        raise ConfigError(f"zip={plain}: {ALLOWED}")
    return [[group_key(name.lstrip("+")) for name in group] for group in groups]


def _is_group(group: object) -> bool:
    return isinstance(group, list) and len(group) > 1 and all(isinstance(name, str) for name in group)


def factors(values: Mapping[str, Sequence[str]], groups: Groups) -> list[list[tuple[str, ...]]]:
    """The factors of the Cartesian product: the values of each axis, or the paired values of each group.

    `values` are the overrides by key. A group takes the position of its first axis. Raises ConfigError for
    axes that are not given, that are named twice, or that have different numbers of values.
    """
    keys = {key.lstrip("+"): key for key in values}
    _check(groups, keys, values)
    multiplied: dict[str, list[tuple[str, ...]]]
    multiplied = {key: [(choice,) for choice in choices] for key, choices in values.items()}
    for group in groups:
        first, *others = sorted((keys[name] for name in group), key=list(values).index)
        multiplied[first] = list(zip(*(values[key] for key in (first, *others)), strict=True))
        for key in others:
            del multiplied[key]
    return list(multiplied.values())


def _check(groups: Groups, keys: Mapping[str, str], values: Mapping[str, Sequence[str]]) -> None:
    named: set[str] = set()
    for group in groups:
        option = f"zip=[{','.join(group)}]"
        for name in group:
            if name not in keys:
                raise ConfigError(
                    f"{option}: {name} is no axis here.{did_you_mean(name, keys)} Allowed: {', '.join(keys)}"
                )
            if name in named:
                raise ConfigError(f"{option}: {name} is named twice; allowed: each axis once")
            named.add(name)
        counts = {name: len(values[keys[name]]) for name in group}
        if len(set(counts.values())) > 1:
            listed = ", ".join(f"{name} {count}" for name, count in counts.items())
            raise ConfigError(
                f"{option}: the axes have different numbers of values: {listed}; allowed: equal numbers"
            )
