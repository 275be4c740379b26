"""A graph with whole-number matrix products, so close to the original that ranking does not feel it.

Weights become int8 with a scale for each column. What they are multiplied with becomes uint8 with a scale for each token, so
that a text's vector does not depend on the texts beside it in a batch, as it does with one scale for the whole batch, which
is what ONNX Runtime's own `quantize_dynamic` makes. Some channels are far larger than all others and would leave these few of
the 255 steps; they are made smaller beforehand and their weights larger, by what calibration texts show (Xiao et al. 2023,
"SmoothQuant: Accurate and Efficient Post-Training Quantization for Large Language Models", with alpha 0.5). The wide inner
layers are left as they are: there it costs most time and gains nothing. Embedding tables are kept in half precision.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Ranges = Mapping[str, NDArray[np.float32]]
"""For each tensor that is multiplied with weights, the largest absolute value of each channel."""

_STEPS = 127
_ZERO = 128
_LARGE_TABLE = 1 << 20
_TINY = 1e-5


def factors(graph: onnx.ModelProto) -> list[str]:
    """The tensors that are multiplied with constant weights."""
    return list(dict.fromkeys(node.input[0] for node in _products(graph)))


def largest(arrays: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """The largest absolute value of each channel, which is the last axis."""
    channels = [np.abs(array).reshape(-1, array.shape[-1]).max(axis=0) for array in arrays]
    return np.asarray(np.max(channels, axis=0), np.float32)


def _products(graph: onnx.ModelProto) -> list[onnx.NodeProto]:
    weights = {each.name for each in graph.graph.initializer if len(each.dims) == 2}
    return [node for node in graph.graph.node if node.op_type == "MatMul" and node.input[1] in weights]


def quantise(graph: onnx.ModelProto, ranges: Ranges, keep: Callable[[str], bool] = lambda _: False) -> onnx.ModelProto:
    """A new graph. `keep` says of a factor that the products with it stay in single precision."""
    return _Rewriter(graph, ranges, keep).run()


def feeds_several(graph: onnx.ModelProto) -> Callable[[str], bool]:
    """Whether a factor is multiplied with several weights, as those of queries, keys and values of attention are: the products
    whose errors cost most.
    """
    products = [node.input[0] for node in _products(graph)]
    several = {name for name in products if products.count(name) > 1}
    return several.__contains__


class _Rewriter:
    def __init__(self, graph: onnx.ModelProto, ranges: Ranges, keep: Callable[[str], bool]) -> None:
        self._model = onnx.ModelProto()
        self._model.CopyFrom(graph)
        self._ranges = ranges
        self._weights = {each.name: each for each in self._model.graph.initializer}
        self._narrow = min((len(each) for each in ranges.values()), default=0)
        self._chosen = {node.output[0] for node in _products(graph) if not keep(node.input[0])}
        self._columns = self._largest_weights()
        self._nodes: list[onnx.NodeProto] = []
        self._added: dict[str, onnx.TensorProto] = {}
        self._seen: set[str] = set()

    def run(self) -> onnx.ModelProto:
        for name, value in {"one": np.float32(1), "zero": np.uint8(_ZERO), "steps": np.float32(_STEPS)}.items():
            self._constant(f"trellis_{name}", np.array(value))
        self._constant("trellis_tiny", np.array(_TINY, np.float32))
        self._constant("trellis_flat", np.array([-1], np.int64))
        for node in self._model.graph.node:
            if node.output[0] in self._chosen:
                self._product(node)
            elif node.op_type == "Gather" and self._is_large_table(node.input[0]):
                self._table(node)
            else:
                self._nodes.append(node)
        graph = self._model.graph
        used = {name for node in self._nodes for name in node.input} | {each.name for each in graph.output}
        tensors = [each for each in (*graph.initializer, *self._added.values()) if each.name in used]
        nodes = list(self._nodes)
        del graph.node[:], graph.initializer[:]
        graph.node.extend(nodes)
        graph.initializer.extend(tensors)
        self._model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
        return self._model

    def _largest_weights(self) -> dict[str, NDArray[np.float32]]:
        """For each factor, the largest absolute weight that each of its channels meets."""
        found: dict[str, NDArray[np.float32]] = {}
        for node in _products(self._model):
            rows = np.abs(numpy_helper.to_array(self._weights[node.input[1]])).max(axis=1)
            found[node.input[0]] = np.maximum(found.get(node.input[0], np.zeros_like(rows)), rows)
        return found

    def _product(self, node: onnx.NodeProto) -> None:
        """The product x @ W as ((x / shrink) in 255 steps a token) @ (shrink * W in 255 steps a column), without `shrink` where
        nothing is smoothed.
        """
        factor, weight, output = node.input[0], node.input[1], node.output[0]
        weights = numpy_helper.to_array(self._weights[weight])
        shrink = None
        if len(self._ranges[factor]) == self._narrow:
            shrink = np.sqrt(np.maximum(self._ranges[factor], _TINY) / np.maximum(self._columns[factor], _TINY))
            weights = weights * shrink[:, None]
        if factor not in self._seen:
            self._seen.add(factor)
            self._quantise_tokens(factor, shrink)
        scales = np.maximum(np.abs(weights).max(axis=0), _TINY) / _STEPS
        whole = np.rint(weights / scales).clip(-_STEPS, _STEPS).astype(np.int8)
        of = (f"{factor}_whole", self._constant(f"{weight}_whole", whole), "trellis_one")
        scaled = self._constant(f"{weight}_scales", scales.astype(np.float32))
        self._add("MatMulIntegerToFloat", (*of, scaled, "trellis_zero"), f"{output}_unscaled", domain="com.microsoft")
        self._add("Mul", (f"{output}_unscaled", f"{factor}_scales"), output)

    def _quantise_tokens(self, factor: str, shrink: NDArray[np.float32] | None) -> None:
        """`{factor}_whole` and, of shape (texts, tokens, 1), `{factor}_scales`."""
        given = factor
        if shrink is not None:
            given = f"{factor}_smooth"
            self._add("Mul", (factor, self._constant(f"{factor}_shrink", (1 / shrink).astype(np.float32))), given)
        self._add("ReduceMax", (given,), f"{factor}_most", axes=[-1], keepdims=1)
        self._add("ReduceMin", (given,), f"{factor}_least", axes=[-1], keepdims=1)
        self._add("Neg", (f"{factor}_least",), f"{factor}_lowest")
        self._add("Max", (f"{factor}_most", f"{factor}_lowest", "trellis_tiny"), f"{factor}_range")
        self._add("Div", (f"{factor}_range", "trellis_steps"), f"{factor}_scales")
        # One scale for each row of a matrix: that is how QuantizeLinear knows a scale for each token.
        width = self._constant(f"{factor}_width", np.array([-1, len(self._ranges[factor])], np.int64))
        self._add("Reshape", (given, width), f"{factor}_rows")
        self._add("Reshape", (f"{factor}_scales", "trellis_flat"), f"{factor}_row_scales")
        self._add("Shape", (f"{factor}_row_scales",), f"{factor}_row_count")
        self._add("Expand", ("trellis_zero", f"{factor}_row_count"), f"{factor}_zeros")
        scaled = (f"{factor}_rows", f"{factor}_row_scales", f"{factor}_zeros")
        self._add("QuantizeLinear", scaled, f"{factor}_whole_rows", axis=0)
        self._add("Shape", (factor,), f"{factor}_shape")
        self._add("Reshape", (f"{factor}_whole_rows", f"{factor}_shape"), f"{factor}_whole")

    def _is_large_table(self, name: str) -> bool:
        tensor = self._weights.get(name)
        return tensor is not None and tensor.data_type == TensorProto.FLOAT and np.prod(tensor.dims) >= _LARGE_TABLE

    def _table(self, node: onnx.NodeProto) -> None:
        table, output = node.input[0], node.output[0]
        half = self._constant(f"{table}_half", numpy_helper.to_array(self._weights[table]).astype(np.float16))
        self._add("Gather", (half, node.input[1]), f"{output}_half", axis=0)
        self._add("Cast", (f"{output}_half",), output, to=TensorProto.FLOAT)

    def _constant(self, name: str, value: NDArray[Any]) -> str:
        if name not in self._added:
            self._added[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def _add(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> None:
        self._nodes.append(helper.make_node(kind, list(inputs), [output], name=output, **attributes))
