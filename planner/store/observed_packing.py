"""
Roll-ups as bytes: all intervals of one source in one stored row's time, column by column.

Numbers are whole and mostly small, so their high bytes are zero: laid out byte by byte (all lowest bytes
first) they deflate to about a third of what the numbers themselves would.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from planner.demand.load_frame import NO_LATENCIES, SUMS, Ints, Latencies, LoadFrame, Source

VERSION = 1
COMPRESSION = 6
_HEADER = struct.Struct("<BBI")  # version, columns, rows
_OWN_COLUMNS = 4  # interval, begin, end, variation; then SUMS


def pack(frame: LoadFrame, period_start_us: int) -> tuple[bytes, bytes]:
    """
    Counts and latencies of a frame of one source and one resolution, whose rows come in the order of time and
    lie in the time that begins at ``period_start_us``.
    """
    interval = (frame.start_us - period_start_us) // frame.length_us
    own = [
        interval,
        frame.begin_us - frame.start_us,
        frame.end_us - frame.start_us,
        frame.cv_squares.view(np.int64),
    ]
    return _deflated([*own, *frame.sums.T]), _deflated(frame.latencies)


def unpack(
    rows: Sequence[tuple[Source, int, int, bytes, bytes | None]],
) -> LoadFrame:
    """The frame of stored rows (source, resolution and start in microseconds, counts, latencies)."""
    indices: dict[Source, int] = {}
    matrices, latencies = [], []
    lengths = np.zeros(len(rows), dtype=np.int64)
    offset, own = 0, _OWN_COLUMNS + len(SUMS)
    for at, (of, _, _, counts, measured) in enumerate(rows):
        indices.setdefault(of, len(indices))
        matrix = _widened(_inflated(counts), own)
        matrices.append(matrix)
        lengths[at] = matrix.shape[1]
        if measured is not None:
            found = _inflated(measured)
            latencies.append(np.vstack([found[:1] + offset, found[1:]]))
        offset += matrix.shape[1]
    columns = np.concatenate(matrices, axis=1) if matrices else np.zeros((own, 0), dtype=np.int64)
    source = np.repeat(np.array([indices[row[0]] for row in rows], dtype=np.int64), lengths)
    resolution_us = np.repeat(np.array([row[1] for row in rows], dtype=np.int64), lengths)
    period_us = np.repeat(np.array([row[2] for row in rows], dtype=np.int64), lengths)
    start_us = period_us + columns[0] * resolution_us
    return LoadFrame(
        tuple(indices),
        source,
        start_us,
        resolution_us,
        start_us + columns[1],
        start_us + columns[2],
        np.ascontiguousarray(columns[_OWN_COLUMNS:].T),
        np.ascontiguousarray(columns[3]).view(np.float64),
        Latencies(*np.concatenate(latencies, axis=1)) if latencies else NO_LATENCIES,
    )


def _widened(matrix: Ints, count: int) -> Ints:
    """With zeros in the columns that were not counted yet when it was stored."""
    lacking = count - len(matrix)
    return np.pad(matrix, ((0, lacking), (0, 0))) if lacking else matrix


def _deflated(columns: Sequence[Ints]) -> bytes:
    matrix: Ints = np.ascontiguousarray(np.vstack(columns), dtype="<i8")
    count, rows = matrix.shape
    planes = matrix.view(np.uint8).reshape(count, rows, 8).transpose(0, 2, 1)
    header = _HEADER.pack(VERSION, count, rows)
    return header + zlib.compress(np.ascontiguousarray(planes).tobytes(), COMPRESSION)


def _inflated(data: bytes) -> Ints:
    version, count, rows = _HEADER.unpack_from(data)
    if version != VERSION:
        raise ValueError(f"a stored roll-up must have form {VERSION}, got {version}")
    planes = np.frombuffer(zlib.decompress(memoryview(data)[_HEADER.size :]), dtype=np.uint8)
    matrix: NDArray[np.uint8] = np.ascontiguousarray(planes.reshape(count, 8, rows).transpose(0, 2, 1))
    return matrix.reshape(-1).view("<i8").reshape(count, rows)
