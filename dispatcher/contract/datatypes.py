"""Tensor datatypes of the Open Inference Protocol, as numpy knows them."""

from __future__ import annotations

from typing import Any

import numpy as np

NUMPY_BY_DATATYPE: dict[str, np.dtype[Any]] = {
    "BOOL": np.dtype(np.bool_),
    "UINT8": np.dtype(np.uint8),
    "UINT16": np.dtype("<u2"),
    "UINT32": np.dtype("<u4"),
    "UINT64": np.dtype("<u8"),
    "INT8": np.dtype(np.int8),
    "INT16": np.dtype("<i2"),
    "INT32": np.dtype("<i4"),
    "INT64": np.dtype("<i8"),
    "FP16": np.dtype("<f2"),
    "FP32": np.dtype("<f4"),
    "FP64": np.dtype("<f8"),
    "BYTES": np.dtype(object),
}
"""
Little-endian throughout, as the protocol's binary form and the worker's frames are.

BYTES are strings of any length, ``bytes`` objects here; ``dispatcher.contract.strings`` has their frames.
"""
