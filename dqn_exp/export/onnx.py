"""Write a network as an ONNX graph, layer by layer, from observations [B, ...] to Q-values float32[B, A]."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, nn

from dqn_exp.export.formats import NotExportable, need
from dqn_exp.heads import C51, QR, Head
from dqn_exp.networks import CNN, MLP, Dueling, HeadedNetwork, NoisyLinear, Pixels
from dqn_exp.trained import Trained

OPSET, IR_VERSION = 17, 8
"""Supported by every onnxruntime since 1.14."""
TOLERANCE = 1e-4
"""The allowed difference of Q-values, relative to the largest |Q|, as sums may be in another order."""
PACKAGES = {"onnx": "dqn_exp[export]", "onnxruntime": "dqn_exp[export]"}


def write_onnx(trained: Trained, states: np.ndarray, path: Path) -> float:
    """Write the network to `path`; returns the largest difference of its Q-values for `states`.

    Raises NotExportable if a layer is not supported or Q-values differ by more than rounding.
    """
    need(PACKAGES)
    if trained.statistics:
        raise NotExportable("its observations were normalised with running statistics, which a graph lacks")
    import onnx

    shape = trained.images.shape if trained.images else (trained.observation_size,)
    element = onnx.TensorProto.UINT8 if trained.images else onnx.TensorProto.FLOAT
    graph = _Graph(trained.n_actions)
    graph.add(trained.network, "observation")
    graph.nodes[-1].output[0] = "q_values"
    inputs = [onnx.helper.make_tensor_value_info("observation", element, ["batch", *shape])]
    outputs = [
        onnx.helper.make_tensor_value_info("q_values", onnx.TensorProto.FLOAT, ["batch", trained.n_actions])
    ]
    made = onnx.helper.make_graph(graph.nodes, "q_network", inputs, outputs, graph.weights)
    model = onnx.helper.make_model(
        made, opset_imports=[onnx.helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
    )
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(path))
    return _difference(trained, states, path)


def _difference(trained: Trained, states: np.ndarray, path: Path) -> float:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (outputs,) = session.run(None, {"observation": trained.network_inputs(states)})
    ours = trained.values(states)
    difference = float(np.abs(outputs - ours).max())
    if not difference <= TOLERANCE * max(1.0, float(np.abs(ours).max())):
        raise NotExportable(f"its Q-values of visited states differ by up to {difference:g}")
    return difference


class _Graph:
    """Collects the nodes and weights of a graph; values are identified by the names of their nodes."""

    def __init__(self, n_actions: int) -> None:
        self.nodes: list[Any] = []
        self.weights: list[Any] = []
        self._n_actions = n_actions

    def add(self, module: nn.Module, value: str) -> str:
        """Add `module` with the input `value`; returns the name of its output. Raises NotExportable."""
        writers: dict[type[nn.Module], Callable[[Any, str], str]] = {
            nn.Sequential: self._sequential,
            MLP: lambda m, v: self._sequential(m.layers, v),
            CNN: lambda m, v: self._sequential(m.layers, v),
            HeadedNetwork: self._headed,
            Dueling: self._dueling,
            nn.Linear: self._linear,
            NoisyLinear: self._linear,  # without noise, as in greedy actions
            nn.Conv2d: self._convolution,
            nn.LayerNorm: self._layer_norm,
            nn.BatchNorm1d: self._batch_norm,
            Pixels: self._pixels,
            nn.ReLU: lambda m, v: self._node("Relu", [v]),
            nn.Tanh: lambda m, v: self._node("Tanh", [v]),
            nn.Flatten: lambda m, v: self._node("Flatten", [v], axis=1),
        }
        if type(module) not in writers:
            raise NotExportable(f"ONNX export does not support the layer {type(module).__name__}")
        return writers[type(module)](module, value)

    def _node(self, kind: str, inputs: list[str], **attributes: Any) -> str:
        import onnx

        name = f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(onnx.helper.make_node(kind, inputs, [name], **attributes))
        return name

    def _weight(self, array: Tensor | np.ndarray) -> str:
        import onnx

        name = f"weight_{len(self.weights)}"
        plain = array.detach().cpu().numpy() if isinstance(array, Tensor) else array
        self.weights.append(onnx.numpy_helper.from_array(np.ascontiguousarray(plain), name))
        return name

    def _sequential(self, modules: nn.Sequential, value: str) -> str:
        for module in modules:
            value = self.add(module, value)
        return value

    def _linear(self, layer: nn.Linear, value: str) -> str:
        return self._node("Gemm", [value, self._weight(layer.weight), self._weight(layer.bias)], transB=1)

    def _convolution(self, layer: nn.Conv2d, value: str) -> str:
        assert layer.bias is not None
        weights = [self._weight(layer.weight), self._weight(layer.bias)]
        return self._node("Conv", [value, *weights], strides=list(layer.stride))

    def _layer_norm(self, layer: nn.LayerNorm, value: str) -> str:
        weights = [self._weight(layer.weight), self._weight(layer.bias)]
        return self._node("LayerNormalization", [value, *weights], axis=-1, epsilon=layer.eps)

    def _batch_norm(self, layer: nn.BatchNorm1d, value: str) -> str:
        assert layer.running_mean is not None
        assert layer.running_var is not None
        arrays = (layer.weight, layer.bias, layer.running_mean, layer.running_var)
        return self._node("BatchNormalization", [value, *map(self._weight, arrays)], epsilon=layer.eps)

    def _pixels(self, pixels: Pixels, value: str) -> str:
        numbers = self._node("Cast", [value], to=1)
        largest = self._weight(np.array(pixels.largest, np.float32))
        return self._node("Div", [numbers, largest])

    def _dueling(self, dueling: Dueling, value: str) -> str:
        state = self._reshaped(self.add(dueling.value, value), [0, 1, -1])
        advantage = self._reshaped(self.add(dueling.advantage, value), [0, dueling.n_actions, -1])
        mean = self._node("ReduceMean", [advantage], axes=[1], keepdims=1)
        centred = self._node("Sub", [advantage, mean])
        return self._node("Flatten", [self._node("Add", [state, centred])], axis=1)

    def _headed(self, headed: HeadedNetwork, value: str) -> str:
        head: Head = headed.head
        predictions = self._reshaped(self.add(headed.network, value), [0, self._n_actions, -1])
        if isinstance(head, C51):
            shares = self._node("Softmax", [predictions], axis=-1)
            means = self._node("MatMul", [shares, self._weight(head.atoms.float()[:, None])])
            return self._node("Flatten", [means], axis=1)
        if isinstance(head, QR):
            return self._node("ReduceMean", [predictions], axes=[2], keepdims=0)
        raise NotExportable(f"ONNX export does not support the head {type(head).__name__}")

    def _reshaped(self, value: str, shape: list[int]) -> str:
        return self._node("Reshape", [value, self._weight(np.array(shape, np.int64))])
