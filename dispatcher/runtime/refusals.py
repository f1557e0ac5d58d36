"""Why a request gets no result, in a word and a sentence."""

from __future__ import annotations

from dispatcher.core.events import DropReason
from dispatcher.frontend.service import Outcome, Reason, Refusal

DROPS = {
    DropReason.QUEUE_FULL: (
        Outcome.REJECTED,
        Refusal(Reason.QUEUE_FULL, "the queue of this model is full"),
    ),
    DropReason.GPUS_BUSY: (
        Outcome.REJECTED,
        Refusal(Reason.GPUS_BUSY, "every GPU is busy until it is too late for this request"),
    ),
    DropReason.OVER_SHARE: (
        Outcome.REJECTED,
        Refusal(Reason.OVER_SHARE, "the GPUs are overloaded and this tenant has had its share"),
    ),
    DropReason.DEADLINE_UNREACHABLE: (
        Outcome.DROPPED,
        Refusal(Reason.DEADLINE_UNREACHABLE, "no GPU can answer this request in time"),
    ),
    DropReason.WINDOW: (
        Outcome.DROPPED,
        Refusal(Reason.WINDOW, "it stood in the way of a batch that answers more requests in time"),
    ),
}

DRAINING = Refusal(Reason.DRAINING, "this dispatcher is shutting down")
NOT_HERE = Refusal(Reason.MODEL_NOT_HERE, "this model is unloaded here")
CLIENT_GONE = Refusal(Reason.LATE, "its client is gone")
"""Nobody reads it."""
