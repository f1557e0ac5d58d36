"""When requests are due: drawn for each model, or read from a trace."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path

import numpy as np

from dispatcher.simulation.arrivals import constant_arrivals, gamma_arrivals
from dispatcher.simulation.trace import read_trace


def parse_rates(models: Sequence[str], rate_rps: float) -> dict[str, float]:
    """
    Requests per second of each model of ``NAME`` or ``NAME=RATE``.

    Those without a rate share ``rate_rps`` equally. Raises ``ValueError``.
    """
    rates: dict[str, float | None] = {}
    for given in models:
        name, separator, text = given.rpartition("=")
        id, rate = (name, _rate(given, text)) if separator else (given, None)
        if id in rates:
            raise ValueError(f"--model: {id} is given twice")
        rates[id] = rate
    shared = sum(rate is None for rate in rates.values())
    return {id: rate_rps / shared if rate is None else rate for id, rate in rates.items()}


def arrivals_of(
    rates_rps: Mapping[str, float],
    *,
    kind: str,
    cv: float,
    seconds: float,
    trace: Path | None,
    seed: int,
    most: int,
) -> list[tuple[float, str]]:
    """
    ``(seconds from the start, model)`` of every request, in order.

    A trace's arrivals go to the models in turn, those within ``seconds``. Raises ``ValueError`` for more
    than ``most`` requests, none at all, or a trace that is not one (``TraceInvalid``).
    """
    if (kind == "trace") != (trace is not None):
        raise ValueError("--trace FILE and --arrivals trace belong together")
    if trace is None and sum(rates_rps.values()) * seconds > most:
        raise ValueError(f"--rate-rps: must make at most {most:,} requests in {seconds:g} s")
    duration_us = round(seconds * 1e6)
    if trace is not None:
        times_us = read_trace(trace, most)
        inside = times_us[: np.searchsorted(times_us, duration_us)].tolist()
        due = [(us / 1e6, model) for us, model in zip(inside, cycle(rates_rps), strict=False)]
    else:
        due = []
        for number, (model, rate_rps) in enumerate(rates_rps.items()):
            random = np.random.default_rng([seed, number])
            if kind == "constant":
                times_us = constant_arrivals(random, rate_rps, duration_us)
            else:
                shape = 1.0 if kind == "poisson" else 1 / cv**2
                times_us = gamma_arrivals(random, rate_rps, shape, duration_us)
            due += [(us / 1e6, model) for us in times_us.tolist()]
    if not due:
        raise ValueError(f"no request is due within {seconds:g} s")
    return sorted(due)


def _rate(given: str, text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if not (math.isfinite(rate) and rate > 0):
        raise ValueError(f"--model {given}: the rate must be a finite number > 0, got {text!r}")
    return rate
