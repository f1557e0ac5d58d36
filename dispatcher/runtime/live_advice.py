"""How many GPUs the observed load asks for, looked at every few seconds."""

from __future__ import annotations

from dispatcher.core.scale_advice import ScaleAdvisor
from dispatcher.core.scheduler import Scheduler

ADVICE_INTERVAL_US = 5_000_000
"""Between two looks at the load: the span of the scheduler's rate meters."""


class LiveAdvice:
    """``gpus`` is the latest advice, the plan's number before the first."""

    def __init__(self, gpus: int, now_us: int) -> None:
        self.gpus = gpus
        self._advisor = ScaleAdvisor()
        self._due_us = now_us + ADVICE_INTERVAL_US

    def look(self, scheduler: Scheduler, gpus_ready: int, now_us: int) -> None:
        """Renew the advice if it is time."""
        if now_us >= self._due_us:
            self._due_us = now_us + ADVICE_INTERVAL_US
            observation = scheduler.take_observation()
            self.gpus = gpus_ready + self._advisor.advise(observation, gpus_ready, 0).gpus
