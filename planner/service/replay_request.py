"""What is asked of a replay and what it answers; the replay itself runs in a process of its own."""

from __future__ import annotations

import multiprocessing
import threading
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from planner.service.plan_errors import ReplayBusy
from planner.store.store import Store

_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True, slots=True)
class ReplayRequest:
    """
    ``policy`` are the plan's rules in the problem's file format; ``time_limit_s`` is the solver's;
    ``demand_quantile`` as of any run.
    """

    day: date
    solver: str = "auto"
    time_limit_s: float = 10.0
    seed: int = 0
    policy: dict[str, Any] = field(default_factory=dict)
    demand_quantile: float | None = None


@dataclass(frozen=True, slots=True)
class ReplayedPlan:
    """
    One plan on the day.

    Parameters
    ----------
    version
        None for the plan that replay made.
    gpus
        In the hour with the most.
    bad_rate
        Of the worst sub-cluster, simulated at the observed load.
    unserved_share
        Share of the observed requests that the plan has no place for.
    """

    version: int | None
    gpus: int
    cost_usd_per_hour: float
    bad_rate: float
    passed: bool
    unserved_share: float


@dataclass(frozen=True, slots=True)
class ReplayedDay:
    """
    A day as it was and as it would have been.

    ``excuse`` says why there is no plan to compare with; ``bad_rate_measured`` is what dispatchers
    reported, all models together, and None where nothing arrived. ``forecast_id`` is the one whose numbers
    most of the day's forecast has; None where all of it is measured.
    """

    day: date
    hours_observed: int
    forecast_id: int | None
    bad_rate_measured: float | None
    active: ReplayedPlan | None
    replayed: ReplayedPlan | None
    excuse: str | None = None


def replay(store: Store, request: ReplayRequest) -> ReplayedDay:
    """
    What would have been on the day, beside what was; see ``planner.service.replay``.

    Solver and simulation work in another process, so that this one goes on answering; one at a time.
    Raises ``ReplayBusy``.
    """
    if not _ONE_AT_A_TIME.acquire(blocking=False):
        raise ReplayBusy
    try:
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            return pool.submit(_replayed, store.database_url, store.fleet, request).result()
    finally:
        _ONE_AT_A_TIME.release()


def _replayed(database_url: str, fleet: str, request: ReplayRequest) -> ReplayedDay:
    from planner.service.replay import replay_day  # solvers take a second to load

    store = Store(database_url)
    try:
        return replay_day(store.of_fleet(fleet), request)
    finally:
        store.close()
