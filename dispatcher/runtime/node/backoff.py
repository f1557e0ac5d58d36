"""How long to wait before the next try."""

from __future__ import annotations


class Backoff:
    """
    Pauses of ``least_s``, twice that, and so on to ``most_s``.

    What lasted ``well_s`` counts as a success: the pause is the least again.
    """

    def __init__(self, least_s: float = 0.2, most_s: float = 30.0, well_s: float = 20.0) -> None:
        self._least_s, self._most_s, self._well_s = least_s, most_s, well_s
        self._next_s = least_s

    def pause_s(self, lasted_s: float = 0.0) -> float:
        """The pause after something that lasted so long."""
        if lasted_s >= self._well_s:
            self._next_s = self._least_s
        pause_s, self._next_s = self._next_s, min(2 * self._next_s, self._most_s)
        return pause_s

    def succeeded(self) -> None:
        self._next_s = self._least_s
