"""Which of this machine's devices have a worker: one at a time, whichever sub-cluster it is of."""

from __future__ import annotations

from collections.abc import Callable, Sequence


class Devices:
    """``on_freed`` is called once devices are free again that another may be waiting for."""

    def __init__(self, on_freed: Callable[[], None] = lambda: None) -> None:
        self._taken: set[str] = set()
        self._waited_for: set[str] = set()
        self._on_freed = on_freed

    def take(self, device: str) -> bool:
        """Whether it was free and is the caller's now; if not, the caller hears of it once it is."""
        if device in self._taken:
            self._waited_for.add(device)
            return False
        self._waited_for.discard(device)
        self._taken.add(device)
        return True

    def free(self, devices: Sequence[str]) -> None:
        self._taken.difference_update(devices)
        if self._waited_for.intersection(devices):
            self._on_freed()
