"""What a door for many requests at once needs from the sub-cluster behind it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dispatcher.contract.sub_cluster import ServedModel, Tenant
from dispatcher.frontend.service import Reason
from dispatcher.frontend.tensors import Array


class BulkListener(Protocol):
    """
    Who is told what became of rows of a bulk; over all calls each row comes exactly once.

    Each call returns whether somebody was told: what reaches nobody was served for nothing.
    """

    def completed(self, rows: NDArray[np.int64], outputs: Sequence[Array]) -> bool:
        """``outputs`` holds one array of shape ``(len(rows), *declared)`` for each output, in order."""
        ...

    def refused(self, rows: NDArray[np.int64], reason: Reason) -> bool: ...


@dataclass(frozen=True, slots=True, eq=False)
class BulkRequests:
    """
    Requests for one model that arrived together, one row each.

    Parameters
    ----------
    inputs
        One array of shape ``(rows, *declared)`` for each input of the model, in order.
    timeout_us
        Unsigned, shape ``(rows,)``, from the arrival; 0 leaves the model's SLO.
    tenant_index
        int32, shape ``(rows,)``; None where all are of the first tenant.
    """

    model_index: int
    inputs: tuple[Array, ...]
    timeout_us: NDArray[Any]
    tenant_index: NDArray[np.int32] | None = None

    @property
    def rows(self) -> int:
        return len(self.timeout_us)


class BulkInferenceService(Protocol):
    """One sub-cluster, as a door for many requests at once sees it."""

    @property
    def models(self) -> Sequence[ServedModel]: ...

    @property
    def tenants(self) -> Sequence[Tenant]: ...

    def now_us(self) -> int:
        """The clock that ``arrived_us`` is read from."""
        ...

    def submit_bulk(self, requests: BulkRequests, arrived_us: int, listener: BulkListener) -> None:
        """Hand in many requests; the listener may be called before this returns."""
        ...

    def withdraw_bulks(self, listeners: Collection[BulkListener]) -> None:
        """Give up what these listeners still wait for, and tell them nothing more: their clients are gone."""
        ...

    def note_invalid(self, model_index: int, count: int = 1) -> None:
        """Count requests that were refused for their form."""
        ...
