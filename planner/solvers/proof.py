"""
Proving beside searching: the relaxation's bound grows on a thread of its own while plans are looked for.

Wide kinds are proven first and narrower ones after them, each against the best plan found by then.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from planner.plan.verify import gap
from planner.solvers.assemble import GAP_PROVEN, rounded_up
from planner.solvers.items import splittable
from planner.solvers.relaxation import FINEST, WIDEST, relaxed_bound
from planner.solvers.run import Run
from planner.solvers.stopping import Stop

WIDTHS = (WIDEST, 2.0, 1.5, FINEST)
WIDTH_TIME_SHARE = 0.5  # of the time left, for each but the last


@contextmanager
def proof_beside(run: Run) -> Iterator[None]:
    """
    While the body searches, the bound of every plan is proven; it goes on until time is up or it is met.

    It ends with the body if that leaves by an exception; nothing runs where demand is left or time is over.
    """
    if run.short or run.best is None or run.is_over or met(run, run.best.objective):
        yield
        return
    ended = False

    def over() -> bool:
        return ended or run.stop() or (run.best is not None and met(run, run.best.objective))

    with ThreadPoolExecutor(max_workers=1) as pool:
        proof = pool.submit(_prove, run, over)
        try:
            yield
        except BaseException:
            ended = True
            raise
        proof.result()
    run.report(None, run.bound)


def met(run: Run, cost: float) -> bool:
    """Whether what is proven leaves nothing to gain on such a cost."""
    return run.bound is not None and gap(cost, run.bound) <= GAP_PROVEN


def _prove(run: Run, over: Stop) -> None:
    """Kinds of one width after another, until the bound is met or time is up."""
    split = splittable(run.tables)
    for width in WIDTHS:
        if run.best is None or over() or time.monotonic() >= run.deadline_s:
            return
        now = time.monotonic()
        share = 1.0 if width == FINEST else WIDTH_TIME_SHARE
        bound = relaxed_bound(
            run.tables,
            split,
            deadline_s=now + share * (run.deadline_s - now),
            seed=run.seed,
            cost_max=run.best.objective,
            width=width,
            stop=over,
        )
        if bound is not None:
            run.prove(rounded_up(run.problem, bound), "relaxation")
