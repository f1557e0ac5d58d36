"""What the scheduler's twin knows of models, candidates, batches and GPUs."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from dispatcher.core.model_spec import ModelSpec


@dataclass(eq=False)
class NaiveModel:
    spec: ModelSpec
    queue: list[tuple[int, int]] = field(default_factory=list)  # (deadline, id)
    arrivals_us: list[int] = field(default_factory=list)
    candidate: Candidate | None = None
    sent: int = 0  # batches of it that GPUs hold
    keeps_us: float = math.inf  # the deadline that its candidate keeps
    speed: float = 1.0  # of the GPUs that its candidate counts on
    hold_ppm: int = 0  # its own hold factor
    came_us: int | None = None  # the first request since its last batch was sent


@dataclass
class Candidate:
    size: int
    due_us: int
    latest_us: float
    waiting_since_us: int | None


@dataclass
class NaiveBatch:
    id: int
    ready_us: int
    start_us: int
    execution_us: int
    model: NaiveModel
    requests: list[tuple[int, int]]


@dataclass(eq=False)
class NaiveGpu:
    speed: float
    is_here: bool = True
    is_leaving: bool = False
    batches: list[NaiveBatch] = field(default_factory=list)

    def free_us(self, now_us: int) -> int:
        if not self.batches:
            return now_us
        return max(now_us, self.batches[0].start_us + self.batches[0].execution_us)
