"""The delays around a batch's execution."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Delays:
    """
    Fixed delays of the data plane, in microseconds.

    The defaults are those of Symphony (Chen et al. 2023, arXiv 2308.07470).

    Parameters
    ----------
    ctrl_us
        From the decision to send a batch until the worker has it.
    data_us
        Input transfer, for each request of a batch.
    resp_us
        From the end of execution until the client has its answer.
    """

    ctrl_us: int = 100
    data_us: int = 50
    resp_us: int = 2_000

    def __post_init__(self) -> None:
        for name in ("ctrl_us", "data_us", "resp_us"):
            value = getattr(self, name)
            if value < 0:
                raise ValueError(f"{name} must not be negative, got {value}.")

    def lead_us(self, batch_size: int) -> int:
        """How long before its execution a batch must be sent."""
        return self.ctrl_us + batch_size * self.data_us
