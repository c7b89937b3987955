"""Apply wrappers by name: ours, those of a user's modules, and gymnasium's own."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np

from dqn_exp.config import ConfigError
from dqn_exp.registry import wrappers


def wrap(env: gymnasium.Env[Any, Any], name: str, options: dict[str, Any]) -> gymnasium.Env[Any, Any]:
    """Wrap `env` in the wrapper `name` with `options`; raises ConfigError if that fails."""
    wrappers.check("env.wrappers", name)
    key = f"env.wrappers.{name}"
    try:
        build = wrappers[name]
        parameters = inspect.signature(build).parameters
        _refuse_functions(key, parameters)
        given = {k: _converted(v, parameters[k]) if k in parameters else v for k, v in options.items()}
        wrapped: gymnasium.Env[Any, Any] = build(env, **given)
    except ConfigError:
        raise
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{key}={options}: {error}") from error
    except Exception as error:
        raise ConfigError(f"{key}={options}: {type(error).__name__}: {error}") from error
    return wrapped


def _refuse_functions(key: str, parameters: Mapping[str, inspect.Parameter]) -> None:
    for name, parameter in parameters.items():
        if "Callable" in str(parameter.annotation) and parameter.default is parameter.empty:
            raise ConfigError(
                f"{key} needs a function ({name}), which a configuration cannot contain; "
                f"allowed: your own wrapper in a module named in imports=[...]"
            )


def _converted(value: Any, parameter: inspect.Parameter) -> Any:
    """Convert a list from the configuration to what `parameter` needs: an array or a tuple."""
    if not isinstance(value, list):
        return value
    wants_array = "ndarray" in str(parameter.annotation)
    return np.array(value, np.float32) if wants_array else tuple(value)
