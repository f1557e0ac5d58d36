"""What a load client learns of the models it is to drive, and the inputs it makes up for them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dispatcher.contract.datatypes import NUMPY_BY_DATATYPE
from dispatcher.contract.reading import shown
from dispatcher.contract.sub_cluster import Tensor

SLO_PARAMETER = "slo_us"
"""Where the dispatcher's model configuration says what is promised."""


class TargetUnsuitable(ValueError):
    """The server, or a model on it, cannot be driven; the text says why."""


@dataclass(frozen=True, slots=True)
class Target:
    """One model of a server; shapes are of one item. ``slo_ms`` is None where the server does not tell."""

    id: str
    inputs: tuple[Tensor, ...]
    slo_ms: float | None


def tensor_of(model: str, name: str, datatype: str, shape: Sequence[int]) -> Tensor:
    """An input as metadata describes it, batch dimension first; any other free extent is taken as 1."""
    if datatype not in NUMPY_BY_DATATYPE:
        known = ", ".join(NUMPY_BY_DATATYPE)
        raise TargetUnsuitable(
            f"model {model}, input {name}: datatype must be one of {known}, got {shown(datatype)}"
        )
    return Tensor(name, datatype, tuple(max(1, int(extent)) for extent in shape[1:]))


def slo_ms_of(parameters: Mapping[str, Any]) -> float | None:
    """The SLO in a model configuration's parameters; None where there is none."""
    value = parameters.get(SLO_PARAMETER)
    text = value.get("string_value") if isinstance(value, dict) else getattr(value, "string_value", None)
    return float(text) / 1e3 if text else None


def made_up(tensor: Tensor, random: np.random.Generator) -> NDArray[Any]:
    """An array of shape ``(1, *shape)`` of small numbers that every datatype can say, BYTES as digits."""
    dtype = NUMPY_BY_DATATYPE[tensor.datatype]
    count = math.prod(tensor.shape)
    numbers = random.integers(0, 2, count) if dtype.kind == "b" else random.integers(0, 10, count)
    if dtype.kind == "O":
        numbers = np.array([str(number).encode() for number in numbers], dtype=object)
    return numbers.astype(dtype).reshape(1, *tensor.shape)
