"""What became of a request, in the words of HTTP and of gRPC."""

from __future__ import annotations

from dispatcher.frontend.service import Reason

RETRY_AFTER_S, RETRY_AFTER_S_MAX = 1, 60
"""Bounds of what a refused client is told to wait; the least where nothing is predicted."""

STATUS_BY_REASON = {
    Reason.QUEUE_FULL: 429,
    Reason.GPUS_BUSY: 429,
    Reason.OVER_SHARE: 429,
    Reason.DEADLINE_UNREACHABLE: 503,
    Reason.WINDOW: 503,
    Reason.GPU_LOST: 503,
    Reason.DRAINING: 503,
    Reason.MODEL_NOT_HERE: 503,
    Reason.LATE: 504,
    Reason.MODEL_FAILED: 500,
}

GRPC_NAME_BY_STATUS = {
    400: "INVALID_ARGUMENT",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
"""The code of gRPC that says the same, by its name in ``grpc.StatusCode``."""


def is_worth_trying_again(status: int) -> bool:
    """Whether an answer of this HTTP status tells when to come back."""
    return status in (429, 503)
