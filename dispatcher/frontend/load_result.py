"""What an open-loop run of the load client saw."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray


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

    @property
    def bad_rate(self) -> float:
        """Share of requests not answered in time."""
        return 1 - self.ok / self.sent if self.sent else 0.0


@dataclass(frozen=True, slots=True)
class LoadResult:
    """
    One run of the client.

    ``duration_s`` is from the first send's due time to the last answer; ``send_lag_ms`` the
    99th percentile of how late the client itself sent; ``errors`` the first few, in words.
    """

    models: tuple[DrivenModelResult, ...]
    duration_s: float
    send_lag_ms: float
    errors: tuple[str, ...]

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
