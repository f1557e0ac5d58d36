"""What a refused client is told of when to come back."""

from __future__ import annotations

import math
from dataclasses import replace

from dispatcher.core.scheduler import Scheduler
from dispatcher.frontend.service import Refusal
from dispatcher.frontend.statuses import RETRY_AFTER_S, RETRY_AFTER_S_MAX

KEPT_US = 100_000
"""Refusals come by thousands where they come at all: they share one look at the scheduler."""


class RetryAfter:
    """The scheduler's prediction for each model, in whole seconds within the doors' bounds."""

    def __init__(self, scheduler: Scheduler, models: int) -> None:
        self._scheduler = scheduler
        self._known: list[tuple[int, int] | None] = [None] * models  # instant, seconds

    def told(self, refusal: Refusal, model_index: int, now_us: int) -> Refusal:
        """The refusal, with the seconds after which a request like the refused would be in time."""
        known = self._known[model_index]
        if known is None or now_us - known[0] > KEPT_US:
            wait_us = self._scheduler.catching_up_us(model_index, now_us)
            # without a GPU nothing can be predicted, and a lost worker is back within seconds
            seconds = RETRY_AFTER_S if wait_us is None else math.ceil(wait_us / 1e6)
            known = (now_us, max(RETRY_AFTER_S, min(RETRY_AFTER_S_MAX, seconds)))
            self._known[model_index] = known
        return refusal if known[1] == refusal.retry_after_s else replace(refusal, retry_after_s=known[1])
