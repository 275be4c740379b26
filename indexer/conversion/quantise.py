"""A graph with whole-number matrix products, so close to the original that ranking does not feel it.

Weights become int8 with a scale for each column. What they are multiplied with becomes uint8, so that a text's vector does not
depend on the texts beside it in a batch, as it does with one scale for the whole batch, which is what ONNX Runtime's own
`quantize_dynamic` makes. Either of two ways does that:

- one scale for all texts, from what calibration texts show. It costs one pass over memory, but a few channels are far larger
  than all others and would leave these few of the 255 steps; they are made smaller beforehand and their weights larger (Xiao et
  al. 2023, "SmoothQuant: Accurate and Efficient Post-Training Quantization for Large Language Models"; its alpha is `_EVENED`);
- a scale for each token, taken as the text is read. The wide inner layers need it: there, single tokens are far larger than all
  others.

Embedding tables are kept in half precision.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Floats = NDArray[np.float32]


class Range(NamedTuple):
    """The least and the greatest value of each channel: two arrays of shape (channels,)."""

    least: Floats
    greatest: Floats

    @property
    def largest(self) -> Floats:
        """The largest absolute value of each channel."""
        return np.maximum(np.abs(self.least), np.abs(self.greatest))


Ranges = Mapping[str, Range]
"""For each tensor that is multiplied with weights, what it holds."""

_LEVELS = 255
_STEPS = 127
_ZERO = 128
_LARGE_TABLE = 1 << 20
_TINY = 1e-5
_EVENED = 0.65
"""Measured: 0.5 loses half as much again, and 0.8 as much."""
_ONE_SIDED, _LOW_ZERO = 8.0, 16
"""Values that reach so many times further up than down, as those behind a GELU do, have their zero at that step of the 255."""


def factors(graph: onnx.ModelProto) -> list[str]:
    """The tensors that are multiplied with constant weights."""
    return list(dict.fromkeys(node.input[0] for node in _products(graph)))


def range_of(array: Floats) -> Range:
    """Of the channels, which are the last axis."""
    rows = array.reshape(-1, array.shape[-1])
    return Range(rows.min(axis=0), rows.max(axis=0))


def widest(ranges: Sequence[Range]) -> Range:
    return Range(np.min([each.least for each in ranges], axis=0), np.max([each.greatest for each in ranges], axis=0))


def _products(graph: onnx.ModelProto) -> list[onnx.NodeProto]:
    weights = {each.name for each in graph.graph.initializer if len(each.dims) == 2}
    return [node for node in graph.graph.node if node.op_type == "MatMul" and node.input[1] in weights]


def quantise(
    graph: onnx.ModelProto, ranges: Ranges, keep: Callable[[str], bool] = lambda _: False, *, fixed: bool = True
) -> onnx.ModelProto:
    """A new graph. `keep` says of a factor that the products with it stay in single precision. fixed: one scale for all texts
    where that costs little; otherwise every token has its own everywhere.
    """
    return _Rewriter(graph, ranges, keep, fixed).run()


def feeds_several(graph: onnx.ModelProto) -> Callable[[str], bool]:
    """Whether a factor is multiplied with several weights, as those of queries, keys and values of attention are: the products
    whose errors cost most.
    """
    products = [node.input[0] for node in _products(graph)]
    several = {name for name in products if products.count(name) > 1}
    return several.__contains__


class _Factor(NamedTuple):
    """A factor in whole numbers. whole, zero: its tensor and its zero point. scale: of all texts, or "" when each token has one
    in `scales`. shrink: what its channels were divided by, if they were.
    """

    whole: str
    zero: str
    scale: str
    scales: str
    shrink: Floats | None


class _Rewriter:
    def __init__(self, graph: onnx.ModelProto, ranges: Ranges, keep: Callable[[str], bool], fixed: bool) -> None:
        self._model = onnx.ModelProto()
        self._model.CopyFrom(graph)
        self._ranges = ranges
        self._fixed = fixed
        self._weights = {each.name: each for each in self._model.graph.initializer}
        self._narrow = min((len(each.least) for each in ranges.values()), default=0)
        self._chosen = {node.output[0] for node in _products(graph) if not keep(node.input[0])}
        self._columns = self._largest_weights()
        self._biases = self._sums_with_biases()
        self._nodes: list[onnx.NodeProto] = []
        self._added: dict[str, onnx.TensorProto] = {}
        self._factors: dict[str, _Factor] = {}
        self._done: set[str] = set()

    def run(self) -> onnx.ModelProto:
        for node in self._model.graph.node:
            if node.output[0] in self._chosen:
                self._product(node)
            elif node.op_type == "Gather" and self._is_large_table(node.input[0]):
                self._table(node)
            elif node.output[0] not in self._done:
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

    def _largest_weights(self) -> dict[str, Floats]:
        """For each factor, the largest absolute weight that each of its channels meets."""
        found: dict[str, Floats] = {}
        for node in _products(self._model):
            rows = np.abs(numpy_helper.to_array(self._weights[node.input[1]])).max(axis=1)
            found[node.input[0]] = np.maximum(found.get(node.input[0], np.zeros_like(rows)), rows)
        return found

    def _sums_with_biases(self) -> dict[str, tuple[str, str]]:
        """For each product that goes nowhere but into its sum with a bias: the bias and that sum."""
        readers: dict[str, list[onnx.NodeProto]] = {}
        for node in self._model.graph.node:
            for name in node.input:
                readers.setdefault(name, []).append(node)
        found = {}
        for name in self._chosen:
            only = readers.get(name, [])
            if len(only) == 1 and only[0].op_type == "Add":
                bias = next(other for other in only[0].input if other != name)
                if bias in self._weights and len(self._weights[bias].dims) == 1:
                    found[name] = bias, only[0].output[0]
        return found

    def _product(self, node: onnx.NodeProto) -> None:
        """The product x @ W as (x / shrink, in whole numbers) @ (shrink * W in 255 steps a column), times their scales."""
        factor = self._factors.get(node.input[0]) or self._quantise(node.input[0])
        weight, output = node.input[1], node.output[0]
        weights = numpy_helper.to_array(self._weights[weight])
        if factor.shrink is not None:
            weights = weights * factor.shrink[:, None]
        steps = np.maximum(np.abs(weights).max(axis=0), _TINY) / _STEPS
        whole = self._constant(f"{weight}_whole", np.rint(weights / steps).clip(-_STEPS, _STEPS).astype(np.int8))
        scaled = self._constant(f"{weight}_scales", steps.astype(np.float32))
        if factor.scale:
            bias, total = self._biases.get(output, ("", output))
            self._done.add(total)
            of = [factor.whole, whole, factor.scale, scaled, factor.zero, "", bias]
            self._add("MatMulIntegerToFloat", of, total, domain="com.microsoft")
            return
        of = [factor.whole, whole, self._constant("trellis_one", np.array(1, np.float32)), scaled, factor.zero]
        self._add("MatMulIntegerToFloat", of, f"{output}_unscaled", domain="com.microsoft")
        self._add("Mul", (f"{output}_unscaled", factor.scales), output)

    def _quantise(self, name: str) -> _Factor:
        held, given, shrink = self._ranges[name], name, None
        if len(held.least) == self._narrow:
            columns = np.maximum(self._columns[name], _TINY)
            shrink = np.asarray(np.maximum(held.largest, _TINY) ** _EVENED / columns ** (1 - _EVENED), np.float32)
            held = Range(np.asarray(held.least / shrink), np.asarray(held.greatest / shrink))
            given = f"{name}_even"
            self._add("Mul", (name, self._constant(f"{name}_shrink", (1 / shrink).astype(np.float32))), given)
        least, greatest = min(float(held.least.min()), 0.0), max(float(held.greatest.max()), _TINY)
        make = self._one_scale if self._fixed and shrink is not None else self._scale_each_token
        self._factors[name] = make(name, given, least, greatest)._replace(shrink=shrink)
        return self._factors[name]

    def _one_scale(self, name: str, given: str, least: float, greatest: float) -> _Factor:
        scale = self._constant(f"{name}_scale", np.array((greatest - least) / _LEVELS, np.float32))
        zero = self._constant(f"{name}_zero", np.array(round(_LEVELS * -least / (greatest - least)), np.uint8))
        self._add("QuantizeLinear", (given, scale, zero), f"{name}_whole")
        return _Factor(f"{name}_whole", zero, scale, "", None)

    def _scale_each_token(self, name: str, given: str, least: float, greatest: float) -> _Factor:
        """The scales have the shape (texts, tokens, 1)."""
        one_sided = greatest > -_ONE_SIDED * least
        zero = self._constant(f"{name}_zero", np.array(_LOW_ZERO if one_sided else _ZERO, np.uint8))
        steps = self._constant(f"{name}_steps", np.array(_LEVELS - (_LOW_ZERO if one_sided else _ZERO), np.float32))
        limits = [f"{name}_most"]
        self._add("ReduceMax", (given,), f"{name}_most", axes=[-1], keepdims=1)
        if one_sided:  # far enough for what is below zero, too
            enough = max(-least * (_LEVELS - _LOW_ZERO) / _LOW_ZERO, _TINY)
            limits.append(self._constant(f"{name}_enough", np.array(enough, np.float32)))
        else:
            self._add("ReduceMin", (given,), f"{name}_least", axes=[-1], keepdims=1)
            self._add("Neg", (f"{name}_least",), f"{name}_lowest")
            limits += [f"{name}_lowest", self._constant("trellis_tiny", np.array(_TINY, np.float32))]
        self._add("Max", limits, f"{name}_range")
        self._add("Div", (f"{name}_range", steps), f"{name}_scales")
        # One scale for each row of a matrix: that is how QuantizeLinear knows a scale for each token.
        width = self._constant(f"{name}_width", np.array([-1, len(self._ranges[name].least)], np.int64))
        self._add("Reshape", (given, width), f"{name}_rows")
        self._add("Reshape", (f"{name}_scales", self._constant("trellis_flat", np.array([-1]))), f"{name}_row_scales")
        self._add("Shape", (f"{name}_row_scales",), f"{name}_row_count")
        self._add("Expand", (zero, f"{name}_row_count"), f"{name}_zeros")
        scaled = (f"{name}_rows", f"{name}_row_scales", f"{name}_zeros")
        self._add("QuantizeLinear", scaled, f"{name}_whole_rows", axis=0)
        self._add("Shape", (given,), f"{name}_shape")
        self._add("Reshape", (f"{name}_whole_rows", f"{name}_shape"), f"{name}_whole")
        return _Factor(f"{name}_whole", zero, "", f"{name}_scales", None)

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
