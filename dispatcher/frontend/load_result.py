"""What an open-loop run of the load client saw."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

QUANTILES = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "p99_9": 99.9, "max": 100.0}

SEND_LAG_SHARE_MAX = 0.05
"""Of the shortest SLO: a client that sends later than this, at the 99th percentile, decides the result."""

SEND_LAG_MS_FREE = 2.0
"""As much a process on a shared machine may always be late."""


class Reply(StrEnum):
    """How the client saw a request end."""

    OK = "ok"  # answered within the SLO
    LATE = "late"  # answered after it, by the client's clock or the server's
    REFUSED = "refused"  # 429 or 503, or 504 for another reason than late
    ERROR = "error"  # anything else, a broken connection or no answer at all


@dataclass(frozen=True, slots=True)
class DrivenModelResult:
    """What became of one model's requests; percentiles are of answered requests, NaN when there are none."""

    model: str
    sent: int
    ok: int
    late: int
    refused: int
    error: int
    p50_ms: float
    p99_ms: float
    latencies_ms: NDArray[np.float64] = field(repr=False)
    """Latency of each answered request, in milliseconds, in the order of the answers."""
    reasons: Mapping[str, int] = field(default_factory=dict)
    """Requests not answered in time, by the server's word, ``late`` by the client's clock, or ``error``."""
    slo_ms: float = float("nan")

    @property
    def bad_rate(self) -> float:
        """Share of requests not answered in time."""
        return 1 - self.ok / self.sent if self.sent else 0.0

    def to_json(self) -> dict[str, Any]:
        """Counts, rates, latency quantiles in milliseconds (null where nothing was answered)."""
        return {
            "model": self.model,
            "slo_ms": self.slo_ms,
            "sent": self.sent,
            **{name: getattr(self, name) for name in ("ok", "late", "refused", "error")},
            "bad_rate": self.bad_rate,
            "bad_by_reason": dict(self.reasons),
            "latency_ms": quantiles(self.latencies_ms),
        }


@dataclass(frozen=True, slots=True)
class LoadResult:
    """
    One run of the client.

    ``duration_s`` is from the first send's due time to the last answer; ``send_lag_ms`` the
    99th percentile of how late the client itself sent; ``errors`` the first few, in words.
    ``held_back`` requests could not leave at once because every connection was taken.
    """

    models: tuple[DrivenModelResult, ...]
    duration_s: float
    send_lag_ms: float
    errors: tuple[str, ...]
    send_lag_ms_max: float = 0.0
    held_back: int = 0

    @property
    def sent(self) -> int:
        return sum(model.sent for model in self.models)

    @property
    def ok(self) -> int:
        return sum(model.ok for model in self.models)

    @property
    def bad_rate(self) -> float:
        """Share of all requests not answered in time."""
        return 1 - self.ok / self.sent if self.sent else 0.0

    @property
    def goodput_rps(self) -> float:
        """Requests answered in time, each second."""
        return self.ok / self.duration_s if self.duration_s > 0 else 0.0

    @property
    def send_lag_ms_allowed(self) -> float:
        """Beyond this lag the figures say as much of the client as of the server."""
        shortest = min((model.slo_ms for model in self.models if model.slo_ms == model.slo_ms), default=0.0)
        return max(SEND_LAG_MS_FREE, SEND_LAG_SHARE_MAX * shortest)

    @property
    def client_kept_up(self) -> bool:
        """Whether the client sent its requests when they were due, and had connections for them."""
        return self.send_lag_ms <= self.send_lag_ms_allowed and self.held_back <= 0.01 * self.sent

    @property
    def reasons(self) -> Counter[str]:
        """Over all models."""
        total: Counter[str] = Counter()
        for model in self.models:
            total.update(model.reasons)
        return total

    @property
    def latencies_ms(self) -> NDArray[np.float64]:
        """Of all models' answered requests, in no order."""
        return np.concatenate([model.latencies_ms for model in self.models] or [np.zeros(0)])

    def to_json(self) -> dict[str, Any]:
        """The whole result, and each model's."""
        return {
            "sent": self.sent,
            "ok": self.ok,
            "duration_s": self.duration_s,
            "goodput_rps": self.goodput_rps,
            "bad_rate": self.bad_rate,
            "bad_by_reason": dict(self.reasons),
            "latency_ms": quantiles(self.latencies_ms),
            "client": {
                "kept_up": self.client_kept_up,
                "send_lag_ms_p99": self.send_lag_ms,
                "send_lag_ms_max": self.send_lag_ms_max,
                "send_lag_ms_allowed": self.send_lag_ms_allowed,
                "held_back": self.held_back,
            },
            "errors": list(self.errors),
            "models": [model.to_json() for model in self.models],
        }


def quantiles(latencies_ms: NDArray[np.float64]) -> dict[str, float] | None:
    """``QUANTILES`` of the latencies; None when there are none."""
    if not len(latencies_ms):
        return None
    values = np.percentile(latencies_ms, list(QUANTILES.values()))
    return {name: float(value) for name, value in zip(QUANTILES, values, strict=True)}
