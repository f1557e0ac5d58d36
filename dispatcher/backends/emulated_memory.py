"""An emulated GPU's memory: weights count as long as a model is held, workspace while a batch runs."""

from __future__ import annotations

import threading
import weakref
from collections import Counter

from dispatcher.backends.backend import BackendError
from dispatcher.contract.sub_cluster import ServedModel

ROUNDING_GIB = 1e-6


class EmulatedMemory:
    """
    ``limit_gib`` of one GPU, as the specification's ``weights_gib`` and ``workspace_gib_per_item`` fill it.

    A model held twice, in batches of two sizes, counts once: only emulations are loaded anew for that.
    """

    def __init__(self, limit_gib: float) -> None:
        self._limit_gib = limit_gib
        self._weights_gib: dict[str, float] = {}
        self._holders: Counter[str] = Counter()
        self._lock = threading.RLock()  # a collection may let go of a model in the middle of anything

    @property
    def held_gib(self) -> float:
        with self._lock:
            return sum(self._weights_gib.values())

    def hold(self, holder: object, model: ServedModel) -> None:
        """As long as ``holder`` lives. Raises ``BackendError``, and holds nothing more then."""
        with self._lock:
            others = self.held_gib - self._weights_gib.get(model.id, 0.0)
            needed = max(model.weights_gib, self._weights_gib.get(model.id, 0.0))
            self._require(model, others + needed)
            self._weights_gib[model.id] = needed
            self._holders[model.id] += 1
        weakref.finalize(holder, self._let_go, model.id)

    def run(self, model: ServedModel, batch_size: int) -> None:
        """Raises ``BackendError`` where the batch's workspace does not fit beside what is held."""
        self._require(model, self.held_gib + model.workspace_gib_per_item * batch_size)

    def _require(self, model: ServedModel, gib: float) -> None:
        if gib > self._limit_gib + ROUNDING_GIB:
            raise BackendError(
                f"model {model.id}: out of memory: {gib:.3f} of {self._limit_gib:.3f} GiB would be taken"
            )

    def _let_go(self, model: str) -> None:
        with self._lock:
            self._holders[model] -= 1
            if self._holders[model] <= 0:
                del self._holders[model]
                self._weights_gib.pop(model, None)
