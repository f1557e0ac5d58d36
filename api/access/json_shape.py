"""
How large a JSON text is once it is read, found out before it is read.

Thirty megabytes of ``[[],[],...`` become a gigabyte of Python objects, and a thousand brackets a stack as
deep. Both show in the text. One pass over the bytes, in no memory of its own; whether the text is JSON at
all is for its reader to say.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from profiles.faults import Fault

DEPTH_MAX = 32
FIELDS_MAX = 1_000
"""Of one object. No body has more than a few dozen; each unknown one would be a fault to be listed."""
VALUES_MAX = 4_000_000
"""Numbers, strings, lists and objects of one body; a week by the hour of 10,000 models has 3.4 million."""

_QUOTE, _ESCAPE, _COMMA, _COLON = 34, 92, 44, 58
_OPEN_LIST, _CLOSE_LIST, _OPEN_OBJECT, _CLOSE_OBJECT = 91, 93, 123, 125


@dataclass(frozen=True, slots=True)
class Shape:
    """How many ``values`` a body has, and what is too much of it."""

    values: int
    faults: list[Fault]


def shape_of(body: bytes) -> Shape:
    """Too much may be: values, fields of an object, or lists and objects within each other."""
    depth, fields, values = shape(np.frombuffer(body, dtype=np.uint8))
    faults = []
    if values > VALUES_MAX:
        faults.append(Fault("(whole)", f"more than {VALUES_MAX} values", f"must have at most {VALUES_MAX}"))
    if fields > FIELDS_MAX:
        limit = f"must have at most {FIELDS_MAX} fields in an object"
        faults.append(Fault("(whole)", f"more than {FIELDS_MAX} fields", limit))
    if depth > DEPTH_MAX:
        limit = f"must be nested at most {DEPTH_MAX} deep"
        faults.append(Fault("(whole)", f"more than {DEPTH_MAX} lists and objects within each other", limit))
    return Shape(int(values), faults)


@njit(cache=True)
def shape(text: np.ndarray) -> tuple[int, int, int]:
    """
    Depth, most fields of an object, and values of ``text``, bytes of any length.

    It stops where one of them is beyond its limit: what is told then is that one above the limit.
    """
    fields = np.zeros(DEPTH_MAX + 2, dtype=np.int64)
    depth = depth_max = fields_max = 0
    values = 1
    in_string = is_escaped = False
    for byte in text:
        if in_string:
            if is_escaped:
                is_escaped = False
            elif byte == _ESCAPE:
                is_escaped = True
            elif byte == _QUOTE:
                in_string = False
            continue
        if byte == _QUOTE:
            in_string = True
        elif byte in (_OPEN_LIST, _OPEN_OBJECT):
            values += 1
            depth += 1
            depth_max = max(depth, depth_max)
            if depth > DEPTH_MAX:
                break
            fields[depth] = 0
        elif byte in (_CLOSE_LIST, _CLOSE_OBJECT):
            depth = max(depth - 1, 0)
        elif byte == _COMMA:
            values += 1
        elif byte == _COLON:
            values += 1
            fields[depth] += 1
            fields_max = max(fields[depth], fields_max)
        if values > VALUES_MAX or fields_max > FIELDS_MAX:
            break
    return depth_max, fields_max, values
