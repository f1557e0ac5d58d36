"""
How large a JSON text is once it is read, found out before it is read.

Thirty megabytes of ``[[],[],...`` become a gigabyte of Python objects, and a thousand brackets a stack as
deep. Both show in the text: strings are cut out, what is left between values and around them is counted.
"""

from __future__ import annotations

import re

import numpy as np

from profiles.faults import Fault

DEPTH_MAX = 32
VALUES_MAX = 4_000_000
"""Numbers, strings, lists and objects of one body; a week by the hour of 10,000 models has 3.4 million."""

_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEP = np.zeros(256, dtype=np.int32)
_STEP[list(b"[{")] = 1
_STEP[list(b"]}")] = -1


def shape_faults(body: bytes) -> list[Fault]:
    """What is too much of ``body``: values, or lists and objects within each other."""
    frame = _STRING.sub(b"", body)
    faults = []
    values = 1 + sum(frame.count(mark) for mark in (b",", b":", b"[", b"{"))
    if values > VALUES_MAX:
        faults.append(Fault("(whole)", f"up to {values} values", f"must have at most {VALUES_MAX}"))
    brackets = np.frombuffer(frame.translate(None, _NO_BRACKETS), dtype=np.uint8)
    depth = int(_STEP[brackets].cumsum().max(initial=0))
    if depth > DEPTH_MAX:
        limit = f"must be nested at most {DEPTH_MAX} deep"
        faults.append(Fault("(whole)", f"lists and objects {depth} deep", limit))
    return faults
