"""How far the emulated GPUs' execution times are from the profile's."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

EXACT_PPM = np.array([1_000_000], dtype=np.int64)
FACTORS = 65_536
"""Drawn for one run; batch i has the factor at i modulo so many."""
STREAM = 2**32 - 1
"""The key of the factors' random stream, beyond those of any model's arrivals."""


@dataclass(frozen=True, slots=True)
class Execution:
    """
    What a batch takes, as a multiple of its curve's time: lognormal, drawn for each batch.

    Parameters
    ----------
    cv
        Coefficient of variation, not negative; 0 for none.
    factor
        The mean, positive: above 1 where the profile is too fast.
    """

    cv: float = 0.0
    factor: float = 1.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.cv) and self.cv >= 0):
            raise ValueError(f"cv must be finite and not negative, got {self.cv}.")
        if not (math.isfinite(self.factor) and self.factor > 0):
            raise ValueError(f"factor must be finite and positive, got {self.factor}.")


EXACT = Execution()


def factors_ppm(execution: Execution, seed: int) -> NDArray[np.int64]:
    """The factors of a run in millionths, in the order of the batches' ids; the same for the same seed."""
    if execution.cv == 0:
        return np.array([round(execution.factor * 1e6)], dtype=np.int64)
    random = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(STREAM,))))
    variance = math.log1p(execution.cv**2)
    drawn = random.lognormal(math.log(execution.factor) - variance / 2, math.sqrt(variance), FACTORS)
    factors: NDArray[np.int64] = np.rint(drawn * 1e6).astype(np.int64)
    return factors
