"""
Proving beside searching: the relaxation's bound grows on a thread of its own while plans are looked for.

Each of its answers also says how many GPUs of each type would be enough if models could flow. The thread
hands these on as proposals, for ``planner.solvers.realised`` to make plans of; once kinds are as fine as
they need be, it proposes the next dearer numbers of GPUs, up to the best plan's cost.
"""

from __future__ import annotations

import queue
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from planner.plan.verify import gap
from planner.solvers.assemble import GAP_PROVEN, rounded_up
from planner.solvers.items import splittable
from planner.solvers.relaxation import Relaxed, finer, relaxed, widest_kinds
from planner.solvers.relaxation_program import Kind
from planner.solvers.run import Run

POLL_S = 0.05
ALONE_TIME_SHARE, ALONE_TIME_MAX_S = 0.3, 20.0  # for bounds alone
DEARER = 1e-6  # relative: by how much at least the next proposal costs more
DEARER_MAX, DEARER_TIME_MAX_S = 24, 10.0  # proposals that no bound comes of, and the time of one


class Proof:
    """
    A relaxation being solved beside ``run``: bounds go there, proposals are waited for here.

    Where nobody is ``proposing`` to use them, only those that bounds come of are made, in a part of the time:
    the search has a use for the core.
    """

    def __init__(self, run: Run, *, proposing: bool) -> None:
        self._run = run
        self._proposing = proposing
        now = time.monotonic()
        alone_s = min(ALONE_TIME_SHARE * (run.deadline_s - now), ALONE_TIME_MAX_S)
        self._deadline_s = run.deadline_s if proposing else now + alone_s
        self._split = _split(run)
        self._proposals: queue.SimpleQueue[Relaxed] = queue.SimpleQueue()
        self._left = False
        self._done: Future[None] | None = None

    def proposals(self, deadline_s: float, patience_s: float = float("inf")) -> Iterator[Relaxed]:
        """
        Those below the best plan's cost, as they come.

        They end with ``deadline_s``, where none came for ``patience_s`` or no more are to come.
        """
        last_s = time.monotonic()
        while time.monotonic() < min(deadline_s, last_s + patience_s) and not self._is_over():
            last = self._done is None or self._done.done()
            try:
                found = self._proposals.get(timeout=0 if last else POLL_S)
            except queue.Empty:
                if last:
                    return
                continue
            if self._run.best is not None and found.cost < self._run.best.objective * (1 - DEARER):
                yield found
            last_s = time.monotonic()

    def _is_over(self) -> bool:
        run = self._run
        return self._left or run.is_over or (run.best is not None and met(run, run.best.objective))

    def _prove(self) -> None:
        kinds = widest_kinds(self._run.tables, self._cost_max())
        cost, finest = 0.0, kinds
        while kinds and not self._is_over() and time.monotonic() < self._deadline_s:
            found = self._relaxed(kinds, self._deadline_s)
            if found.bound is not None:
                self._run.prove(rounded_up(self._run.problem, found.bound), "relaxation")
            if found.amounts:
                cost = found.cost
                self._proposals.put(found)
            finest, kinds = kinds, finer(kinds, found.amounts) if found.solved else []
        if self._proposing:
            self._go_on(finest, cost)

    def _go_on(self, kinds: list[Kind], cost: float) -> None:
        """Proposals that cost more and more, as long as they come in little time."""
        for _ in range(DEARER_MAX):
            if cost <= 0 or self._is_over():
                return
            until = min(self._deadline_s, time.monotonic() + DEARER_TIME_MAX_S)
            found = self._relaxed(kinds, until, cost_min=cost * (1 + DEARER))
            if not found.amounts:
                return
            cost, kinds = found.cost, finer(kinds, found.amounts) or kinds
            self._proposals.put(found)

    def _relaxed(self, kinds: list[Kind], deadline_s: float, cost_min: float = 0.0) -> Relaxed:
        run = self._run
        return relaxed(
            run.tables,
            self._split,
            kinds,
            deadline_s=deadline_s,
            seed=run.seed,
            cost_max=self._cost_max(),
            cost_min=cost_min,
            stop=self._is_over,
        )

    def _cost_max(self) -> float:
        best = self._run.best
        return float("inf") if best is None else best.objective

    @contextmanager
    def beside(self) -> Iterator[Proof]:
        """While the body lasts."""
        with ThreadPoolExecutor(max_workers=1) as pool:
            self._done = pool.submit(self._prove)
            try:
                yield self
            finally:
                self._left = True
            self._done.result()
        self._run.report(None, self._run.bound)


def met(run: Run, cost: float) -> bool:
    """Whether what is proven leaves nothing to gain on such a cost."""
    fluid = 0.0 if run.best is None else run.best.fluid_bound
    return gap(cost, fluid if run.bound is None else max(fluid, run.bound)) <= GAP_PROVEN


def _split(run: Run) -> set[int]:
    """Models that may be split, and those that the active plan splits: keeping it is a plan as well."""
    active, index = run.problem.active_plan, run.tables.model_index()
    places = Counter(p.model for cluster in active.sub_clusters for p in cluster.placements) if active else {}
    return splittable(run.tables) | {index[name] for name, n in places.items() if n > 1 and name in index}
