"""The profile: what one model costs on one GPU type, and where the numbers come from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from profiles.latency import LatencyCurve
from profiles.memory import Precision


class ProvenanceKind(StrEnum):
    """How a profile came to us."""

    MEASURED = "measured"  # by `fermata profile measure`
    IMPORTED = "imported"  # from a file that another tool wrote
    PUBLISHED = "published"  # in documentation, with a licence


@dataclass(frozen=True, slots=True)
class Provenance:
    """
    Where a profile's numbers come from.

    Parameters
    ----------
    source
        Who says so: a repository and path, or the tool that measured.
    revision
        The commit of a repository, or the date of a measurement (ISO 8601).
    licence
        SPDX identifier of the source's licence; empty for one's own measurement.
    measured_on
        The device it was measured on.
    engine, precision
        What executed the model, and in which number format.
    """

    kind: ProvenanceKind
    source: str
    revision: str
    licence: str
    measured_on: str
    engine: str
    precision: Precision


@dataclass(frozen=True, slots=True)
class Profile:
    """
    What one model costs on one GPU type.

    Parameters
    ----------
    curve
        Execution time of a batch by its size.
    weights_gib
        Memory of one loaded copy.
    workspace_gib_per_item
        Memory for each request of the batch being executed.
    batch_size_max
        Largest batch that the curve may be asked for.
    load_time_s
        Time to load a copy, in seconds.
    mape
        Mean absolute percentage error of the curve against its points, as a share.
    points
        (batch size, microseconds) that the curve was made of; empty where only a fit was published.
    """

    model: str
    gpu_type: str
    curve: LatencyCurve
    weights_gib: float
    workspace_gib_per_item: float
    batch_size_max: int
    load_time_s: float
    mape: float
    points: tuple[tuple[int, float], ...]
    provenance: Provenance

    def __post_init__(self) -> None:
        for name in ("weights_gib", "workspace_gib_per_item", "load_time_s", "mape"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{name} must be finite and not negative, got {value}.")
        if self.batch_size_max < 1:
            raise ValueError(f"batch_size_max must be at least 1, got {self.batch_size_max}.")
        self.curve.latency_us(self.batch_size_max)  # a table must reach that far

    def memory_gib(self, batch_size: int) -> float:
        """Memory of one copy while it executes a batch of ``batch_size``."""
        return self.weights_gib + batch_size * self.workspace_gib_per_item
