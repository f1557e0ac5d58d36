"""Memory counted by dual feasible functions: what a plain sum of weights leaves out about whole models."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DUAL_FEASIBLE = (1, 2, 3)  # j of the functions u_j
ROUNDING = 1e-9  # of a share of memory


def memory_shares(part: Floats) -> Floats:
    r"""
    The weights' part of a GPU under each dual feasible function, in a last axis of their own.

    :math:`u_0(x) = x` and :math:`u_j(x) = \lfloor (j+1) x \rfloor / j`, or x where (j+1)x is whole: over what
    fits into one GPU each sums to at most 1 (Fekete and Schepers 2001, "New classes of fast lower
    bounds for bin packing problems").
    """
    shares = [part]
    for j in DUAL_FEASIBLE:
        times = (j + 1) * part
        exact = np.abs(times - np.round(times)) < ROUNDING
        shares.append(np.where(exact, part, np.floor(times) / j))
    return np.stack(shares, axis=-1)
