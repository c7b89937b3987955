"""Read and check the options of a study before anything is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from dqn_exp.config import ConfigError, Real, did_you_mean, parse_size, unknown
from dqn_exp.study.objective import MEASURES, Aggregate, Objective
from dqn_exp.study.space import CONFIRM_SEEDS, whole_numbers

DIRECTIONS = ("minimize", "maximize")
LONGEST_NAME = 200
"""The most bytes of a study's name, which is part of the name of its directory."""


def _whole(value: object) -> int:
    if isinstance(value, bool):
        raise ValueError("not a whole number")
    return parse_size(value)


def _usable(name: str) -> str:
    if not name.isprintable() or "/" in name or name.strip(". ") != name or not name:
        raise ValueError("must be usable as the name of a directory")
    if len(name.encode()) > LONGEST_NAME:
        raise ValueError(f"must have at most {LONGEST_NAME} bytes, and has {len(name.encode())}")
    return name


Whole = Annotated[int, BeforeValidator(_whole)]


class StudySettings(BaseModel):
    """The options below `hydra.sweeper`, with the names of Hydra's official Optuna plugin."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    n_trials: Annotated[Whole, Field(ge=1)]
    n_jobs: Annotated[Whole, Field(ge=1)] | None = None
    study_name: Annotated[str, AfterValidator(_usable)] | None = None
    storage: str | None = None
    direction: str | Sequence[str] | None = None
    max_failure_rate: Annotated[Real, Field(ge=0, le=1)] = 0.0
    custom_search_space: str | None = None
    start: tuple[dict[str, Any], ...] = ()


class Confirm(BaseModel):
    """The options of the confirmation."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    top: Annotated[Whole, Field(ge=0)]
    seeds: tuple[int, ...]


def read_settings(values: Mapping[str, Any]) -> StudySettings:
    settings: StudySettings = _validate(StudySettings, "hydra.sweeper", values)
    return settings


def read_confirm(config: DictConfig, given: Sequence[int] | None, search_seeds: Sequence[int]) -> Confirm:
    """`given`: the seeds of the command line. Raises ConfigError if the search uses any of the seeds."""
    seeds = _listed(config.confirm.seeds) if given is None else tuple(given)
    confirm: Confirm = _validate(Confirm, "confirm", {"top": config.confirm.top, "seeds": seeds})
    shared = sorted(set(confirm.seeds) & set(search_seeds))
    if confirm.top and shared:
        raise ConfigError(
            f"{CONFIRM_SEEDS}: {', '.join(map(str, shared))} are also in seed; allowed: seeds that "
            f"the search does not use, such as '{CONFIRM_SEEDS}=range(1000,1010)'"
        )
    return confirm


def read_objectives(
    config: DictConfig, direction: str | Sequence[str] | None, is_normalised: bool
) -> list[Objective]:
    """The objectives, in the order in which they are named; raises ConfigError for a wrong direction."""
    values = dict(OmegaConf.to_container(config.objective, resolve=True))  # type: ignore[arg-type]
    aggregate, _ = values.pop("aggregate"), values.pop("over")
    if aggregate not in Aggregate.__members__:
        raise unknown("objective.aggregate", str(aggregate), Aggregate.__members__)
    objectives = [
        Objective(MEASURES[str(name)], Aggregate[aggregate], is_normalised)
        for name, chosen in values.items()
        if chosen
    ]
    check_direction(direction, objectives)
    return objectives


def check_direction(direction: str | Sequence[str] | None, objectives: Sequence[Objective]) -> None:
    """Raise ConfigError if a given direction differs from that of the objectives."""
    if direction is None:
        return
    given = [direction] if isinstance(direction, str) else list(direction)
    for word in given:
        if word not in DIRECTIONS:
            raise ConfigError(
                f"hydra.sweeper.direction={word}: unknown.{did_you_mean(str(word), DIRECTIONS)} "
                f"Allowed: {', '.join(DIRECTIONS)}, or null: the objective's own"
            )
    needed = [objective.direction for objective in objectives]
    if given != needed:
        names = ",".join(objective.name for objective in objectives)
        raise ConfigError(
            f"hydra.sweeper.direction={','.join(given)}: objective={names} needs {','.join(needed)}; "
            f"allowed: that, or null"
        )


def _listed(value: object) -> tuple[int, ...]:
    """Seeds from YAML, such as "range(5)", 3 or [1, 2]."""
    if isinstance(value, str):
        (override,) = OverridesParser.create().parse_overrides([f"{CONFIRM_SEEDS}={value}"])
        if override.is_discrete_sweep():
            return whole_numbers(CONFIRM_SEEDS, list(override.sweep_string_iterator()))
    values = OmegaConf.to_container(value) if OmegaConf.is_config(value) else value
    return whole_numbers(CONFIRM_SEEDS, values if isinstance(values, list) else [values])


def _validate(model: type[Any], prefix: str, values: Mapping[str, Any]) -> Any:
    try:
        return model(**values)
    except ValidationError as error:
        raise ConfigError("\n".join(_explain(prefix, problem) for problem in error.errors())) from None


def _explain(prefix: str, problem: Any) -> str:
    key = ".".join([prefix, *(str(part) for part in problem["loc"][:1])])
    text = problem["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    return f"{key}={problem['input']!r}: {text}"
