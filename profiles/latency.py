r"""How long one batch takes on one GPU type: the curve :math:`\ell(b)`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray


class _Curve:
    """What both forms share, given ``latency_us``."""

    __slots__ = ()

    def latency_us(self, batch_size: int) -> int:
        raise NotImplementedError

    def table_us(self, batch_size_max: int) -> NDArray[np.int64]:
        r"""
        The curve as the dispatcher's core takes it.

        Returns an int64 array of shape ``(batch_size_max + 1,)``: entry b is
        :math:`\ell(b)` in microseconds, entry 0 is 0.
        """
        table = [0, *(self.latency_us(b) for b in range(1, batch_size_max + 1))]
        return np.array(table, dtype=np.int64)

    def batch_size_within(self, budget_us: float, batch_size_max: int) -> int:
        r"""Largest :math:`b \le` ``batch_size_max`` with :math:`\ell(b) \le` ``budget_us``; 0 if none."""
        low, high = 0, batch_size_max
        while low < high:
            middle = (low + high + 1) // 2
            if self.latency_us(middle) <= budget_us:
                low = middle
            else:
                high = middle - 1
        return low

    def throughput_rps(self, batch_size: int) -> float:
        r"""Requests per second of one GPU kept full with such batches, :math:`b / \ell(b)`."""
        return batch_size / self.latency_us(batch_size) * 1e6


@dataclass(frozen=True, slots=True)
class AffineCurve(_Curve):
    r"""
    Affine batch latency, :math:`\ell(b) = \alpha b + \beta`, rounded up to whole microseconds.

    Parameters
    ----------
    alpha_us
        Marginal cost of one more request in the batch, in microseconds; positive.
    beta_us
        Fixed cost of launching a batch, in microseconds; not negative.
    """

    alpha_us: float
    beta_us: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.alpha_us) and self.alpha_us > 0):
            raise ValueError(f"alpha_us must be finite and positive, got {self.alpha_us}.")
        if not (math.isfinite(self.beta_us) and self.beta_us >= 0):
            raise ValueError(f"beta_us must be finite and not negative, got {self.beta_us}.")

    def latency_us(self, batch_size: int) -> int:
        """Time to execute a batch of ``batch_size`` requests, in microseconds."""
        return _whole_us(self.alpha_us * batch_size + self.beta_us)


@dataclass(frozen=True, slots=True)
class TabulatedCurve(_Curve):
    r"""
    Batch latency measured at some batch sizes, linear between them.

    Below the first knot the first value holds (an engine of fixed shape pads); beyond
    the last knot nothing is known and asking is an error. Two neighbouring knots with
    the same latency make a step.

    Parameters
    ----------
    batch_sizes
        Strictly increasing, at least 1.
    latencies_us
        Positive and not decreasing, in microseconds, one for each batch size.
    """

    batch_sizes: tuple[int, ...]
    latencies_us: tuple[float, ...]

    def __post_init__(self) -> None:
        sizes, latencies = self.batch_sizes, self.latencies_us
        if not sizes or len(sizes) != len(latencies):
            raise ValueError(f"need as many latencies as batch sizes, got {len(latencies)} and {len(sizes)}.")
        if sizes[0] < 1 or any(a >= b for a, b in pairwise(sizes)):
            raise ValueError(f"batch sizes must be at least 1 and strictly increasing, got {list(sizes)}.")
        if not all(math.isfinite(t) and t > 0 for t in latencies):
            raise ValueError(f"latencies must be finite and positive, got {list(latencies)}.")
        if any(a > b for a, b in pairwise(latencies)):
            raise ValueError(f"latencies must not fall as the batch grows, got {list(latencies)}.")

    def latency_us(self, batch_size: int) -> int:
        """Time to execute a batch of ``batch_size`` requests, in microseconds."""
        if batch_size > self.batch_sizes[-1]:
            raise ValueError(f"batch size {batch_size} lies beyond the last knot {self.batch_sizes[-1]}.")
        return _whole_us(float(np.interp(batch_size, self.batch_sizes, self.latencies_us)))


LatencyCurve: TypeAlias = AffineCurve | TabulatedCurve


def _whole_us(latency_us: float) -> int:
    """Rounded up, less the noise of binary fractions: 1.082 ms * 1000 stays 1082 us."""
    return max(1, math.ceil(latency_us - 1e-6))
