"""What a run writes while it goes: progress for whoever watches, checkpoints for whoever goes on with it."""

from __future__ import annotations

import logging
import time
from typing import Any

from planner.plan.codec import plan_to_json
from planner.plan.plan import Plan
from planner.plan.verify import gap
from planner.solvers.outcome import Progress
from planner.store.errors import StoreUnavailable
from planner.store.records import Lease, RunCheckpoint
from planner.store.store import Store

PROGRESS_INTERVAL_S = 0.5
CHECKPOINT_INTERVAL_S = 1.0
CHECKPOINT_TIME_SHARE = 0.05  # large plans take time to write: at most this part of the solver's

log = logging.getLogger(__name__)


class ProgressLog:
    """
    Writes the latest progress to the run's row, not more often than every half second.

    A solver may call from its own thread; ``stage`` changes are written at once. Once a write is refused
    because the lease no longer holds, ``lost`` is true for good. A database that cannot be reached is no
    reason to stop: what is told now is told again later.
    """

    def __init__(self, store: Store, lease: Lease, checkpoint: RunCheckpoint | None = None) -> None:
        self._store = store
        self._lease = lease
        self._began_s = time.monotonic()
        self._written_s = 0.0
        self._solved_before_s = checkpoint.solved_s if checkpoint else 0.0
        self._checkpoint_due_s = 0.0
        self._kept: Plan | None = None
        self._keeps = False
        self.lost = False
        self.latest: dict[str, Any] = {}

    def is_lost(self) -> bool:
        """Whether the run is somebody else's by now; solver and simulation ask, to end early."""
        return self.lost

    def stage(self, name: str) -> None:
        self.latest = {**self.latest, "stage": name}
        self._write()

    def solving(self, *, keeps: bool) -> None:
        """A solve begins; ``keeps``: of the problem as asked, so that its plans are worth a checkpoint."""
        self._keeps = keeps
        self.stage("solving")

    def solver(self, progress: Progress) -> None:
        """The solver's callback."""
        incumbent, bound = progress.incumbent, progress.bound
        self.latest = {
            **self.latest,
            "solver": progress.solver,
            "incumbent": incumbent,
            "bound": bound,
            "gap": None if incumbent is None or bound is None else gap(incumbent, bound),
        }
        if time.monotonic() - self._written_s >= PROGRESS_INTERVAL_S:
            self._write()
        if self._keeps and progress.plan is not None and progress.plan is not self._kept:
            self._keep_on_the_way(progress.plan, bound, progress.runtime_s)

    def incumbent(self, plan: Plan) -> None:
        """The plan found; written along with the next stage."""
        self.latest = {
            **self.latest,
            "solver": plan.solver,
            "incumbent": plan.objective,
            "bound": plan.bound,
            "gap": plan.gap,
        }

    def certified(self, done: int, of: int) -> None:
        """The certification's callback."""
        self.latest = {**self.latest, "sub_clusters_certified": done, "sub_clusters": of}
        if time.monotonic() - self._written_s >= PROGRESS_INTERVAL_S:
            self._write()

    def keep(self, stage: str, plan: Plan, solve_s: float, certificate: dict[str, Any] | None = None) -> None:
        """A checkpoint at the end of a stage."""
        self._keeps = False
        self._put(stage, plan, plan.bound, solve_s, certificate)

    def _keep_on_the_way(self, plan: Plan, bound: float | None, solve_s: float) -> None:
        began_s = time.monotonic()
        if began_s < self._checkpoint_due_s:
            return
        self._put("solving", plan, bound, solve_s, None)
        self._kept = plan
        cost_s = time.monotonic() - began_s
        self._checkpoint_due_s = began_s + max(CHECKPOINT_INTERVAL_S, cost_s / CHECKPOINT_TIME_SHARE)

    def _put(
        self, stage: str, plan: Plan, bound: float | None, solve_s: float, certificate: dict[str, Any] | None
    ) -> None:
        checkpoint = RunCheckpoint(
            run_id=self._lease.run_id,
            stage=stage,
            solved_s=self._solved_before_s + solve_s,
            bound=bound,
            plan=plan_to_json(plan),
            certificate=certificate,
        )
        try:
            with self._store.writing() as work:
                if work.runs.holds(self._lease):
                    work.runs.events.put_checkpoint(self._lease, checkpoint)
                else:
                    self.lost = True
        except StoreUnavailable:
            log.warning("no checkpoint of run %s: the database cannot be reached", self._lease.run_id)

    def _write(self) -> None:
        self._written_s = time.monotonic()
        self.latest["elapsed_s"] = round(time.monotonic() - self._began_s, 3)
        try:
            with self._store.writing() as work:
                if not work.runs.report(self._lease, self.latest):
                    self.lost = True
        except StoreUnavailable:
            log.warning("no progress of run %s: the database cannot be reached", self._lease.run_id)
