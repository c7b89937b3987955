"""The card of a model: a README.md in the format of the Hugging Face hub."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from torch import nn

from dqn_exp.export.evaluation import Evaluation
from dqn_exp.export.formats import CURVE, FILM, ONNX, SB3, Contents
from dqn_exp.networks import MLP
from dqn_exp.runs import Result
from dqn_exp.text import format_number
from dqn_exp.trained import Trained

FENCE = "```"


def card(
    trained: Trained,
    description: Mapping[str, Any],
    evaluation: Evaluation,
    result: Result,
    contents: Contents,
) -> str:
    """The text of the README.md."""
    parts = [
        _front_matter(trained, evaluation, contents),
        f"# {_algorithm(trained)} on {trained.config.env.id}",
        _summary(trained, description, evaluation, result),
        _pictures(contents),
        _how_to_load(trained, contents),
        _limits(trained, contents),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _algorithm(trained: Trained) -> str:
    config = trained.config
    names = {"values": "DQN", "c51": "C51", "qr": "QR-DQN"}
    base = names.get(config.network.head.name, config.network.head.name)
    return f"Double {base}" if config.agent.double else base


def _front_matter(trained: Trained, evaluation: Evaluation, contents: Contents) -> str:
    """The YAML front matter. Names are JSON strings, which are valid YAML strings."""
    name, env = json.dumps(_algorithm(trained)), json.dumps(trained.config.env.id)
    formats = {ONNX: "onnx", SB3: "stable-baselines3"}
    tags = ["deep-reinforcement-learning", "reinforcement-learning", "dqn"]
    tags += [tag for file, tag in formats.items() if file in contents.files]
    return f"""---
library_name: dqn_exp
pipeline_tag: reinforcement-learning
tags:
- {env}
{chr(10).join(f"- {tag}" for tag in tags)}
model-index:
- name: {name}
  results:
  - task:
      type: reinforcement-learning
      name: reinforcement-learning
    dataset:
      name: {env}
      type: {env}
    metrics:
    - type: mean_reward
      value: {evaluation.score.mean:.2f} +/- {evaluation.score.std:.2f}
      name: mean_reward
      verified: false
---"""


def _summary(trained: Trained, description: Mapping[str, Any], evaluation: Evaluation, result: Result) -> str:
    config, n = trained.config, len(evaluation.score.returns)
    last = evaluation.first_seed + n - 1
    steps = f"{format_number(result.env_steps)} environment steps and {format_number(result.updates)} updates"
    versions = description.get("versions") or {}
    packages = ", ".join(f"{k} {versions[k]}" for k in ("dqn_exp", "torch", "gymnasium") if k in versions)
    score = f"**{evaluation.score.mean:.2f} +/- {evaluation.score.std:.2f}**"
    return f"""{score}: mean and standard deviation of the return of {n} greedy episodes, played with
`env.reset(seed=...)` and the seeds {evaluation.first_seed} to {last}; `evaluation.json` has each of them.

| | |
|---|---|
| environment | `{config.env.id}`{_kwargs(config.env.kwargs)} |
| trained for | {steps}, one trial with seed {config.seed}, which ended as `{result.status}` |
| network | {_layers(trained)} |
| learning rate, discount | {config.lr:g}, {config.gamma:g} |
| replay, batch | {format_number(config.buffer)} transitions, {config.batch} |
| made with | {packages} |

`config.json` has the whole configuration."""


def _kwargs(kwargs: Mapping[str, Any]) -> str:
    return f" with {json.dumps(kwargs)}" if kwargs else ""


def _layers(trained: Trained) -> str:
    network = trained.config.network
    extras = [key for key in ("dueling", "noisy", "layer_norm") if getattr(network, key)]
    hidden = " x ".join(map(str, network.hidden))
    return f"{network.name}, hidden layers {hidden} ({network.activation}){''.join(f', {e}' for e in extras)}"


def _pictures(contents: Contents) -> str:
    lines = []
    if CURVE in contents.files:
        lines.append("![Return of greedy episodes over environment steps](learning_curve.png)")
    if FILM in contents.files:
        lines.append("A greedy episode: [replay.mp4](replay.mp4)")
    return "\n\n".join(lines)


def _how_to_load(trained: Trained, contents: Contents) -> str:
    input_type = (
        f"uint8{list(trained.images.shape)}" if trained.images else f"float32[{trained.observation_size}]"
    )
    ways = [f"## Use it\n\n`observation` is {input_type}; the best action has the largest Q-value."]
    if ONNX in contents.files:
        kind = "uint8" if trained.images else "float32"
        ways.append(f"""With onnxruntime alone:

{FENCE}python
import onnxruntime
session = onnxruntime.InferenceSession("model.onnx")
action = session.run(None, {{"observation": observation[None].astype("{kind}")}})[0].argmax()
{FENCE}""")
    if (code := _as_torch(trained)) is not None:
        ways.append(f"With torch and safetensors:\n\n{FENCE}python\n{code}\n{FENCE}")
    if SB3 in contents.files:
        ways.append(f"""With stable-baselines3:

{FENCE}python
from stable_baselines3 import DQN
model = DQN.load("sb3.zip")
action, _ = model.predict(observation, deterministic=True)
{FENCE}""")
    ways.append(f"""With dqn_exp:

{FENCE}python
from dqn_exp.export import load_model
model = load_model(".")
action = model.greedy(observation[None])[0]
{FENCE}""")
    return "\n\n".join(ways)


def _as_torch(trained: Trained) -> str | None:
    """Code that builds the network from torch's own layers; None if it is not a plain MLP."""
    plain = {nn.Linear: "in_features out_features", nn.ReLU: "", nn.Tanh: "", nn.Flatten: ""}
    if not isinstance(trained.network, MLP) or trained.statistics:
        return None
    modules = list(trained.network.layers)
    if any(type(module) not in plain for module in modules):
        return None
    layers = ", ".join(
        f"torch.nn.{type(m).__name__}({', '.join(str(getattr(m, key)) for key in plain[type(m)].split())})"
        for m in modules
    )
    return f"""import torch; from safetensors.torch import load_file
network = torch.nn.Sequential({layers})
network.load_state_dict({{k.removeprefix("layers."): v for k, v in load_file("model.safetensors").items()}})
action = network(torch.as_tensor(observation, dtype=torch.float32)[None]).argmax().item()"""


def _limits(trained: Trained, contents: Contents) -> str:
    config = trained.config
    lines = [
        "- This is one trial with one seed. Other seeds of this configuration may have other results.",
        f"- It was trained and evaluated only on `{config.env.id}`; its Q-values apply to nothing else.",
    ]
    if contents.onnx_difference is not None:
        lines.append(
            f"- Q-values of `model.onnx` differ by at most {contents.onnx_difference:.1g} from those of the "
            f"network, for the states that it visited."
        )
    if trained.statistics:
        lines.append(
            "- Observations were normalised with running statistics; only `load_model` applies them."
        )
    lines += [f"- No `{name}`: {reason}." for name, reason in contents.left_out.items()]
    return "## Limits\n\n" + "\n".join(lines)
