"""What if: a problem and the same problem changed, both solved, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from planner.explain.probe import carried_over
from planner.explain.settings import Setting, apply_settings
from planner.explain.worth import Solved, best_of, unserved_rps
from planner.plan.difference import PlanDifference, difference
from planner.plan.plan import Plan
from planner.problem.problem import PlanningProblem
from planner.solvers.stopping import Stop, never

CHEAPER, DEARER, UNDECIDED = "proven cheaper", "proven dearer", "not decided: within the gaps"
INCOMPARABLE = "not comparable in dollars: demand is left unserved"
NOISE_USD = 1e-9


@dataclass(frozen=True, slots=True)
class WhatIf:
    """
    Both sides and what is proven of their difference.

    ``least`` and ``most`` bracket what the change does to the cheapest cost, in dollars per hour (after less
    before); None where demand is left unserved on either side.
    """

    settings: tuple[Setting, ...]
    before: Solved
    after: Solved
    change: PlanDifference
    least: float | None
    most: float | None

    @property
    def verdict(self) -> str:
        """What is proven about the cost."""
        if self.least is None or self.most is None:
            return INCOMPARABLE
        if self.most < -NOISE_USD:
            return CHEAPER
        return DEARER if self.least > NOISE_USD else UNDECIDED

    @property
    def unserved_rps(self) -> tuple[float, float]:
        """Requests per second left unserved before and after, mean over the horizon."""
        return (
            unserved_rps(self.before.problem, self.before.plan),
            unserved_rps(self.after.problem, self.after.plan),
        )


def what_if(
    problem: PlanningProblem,
    settings: Sequence[Setting],
    *,
    plan: Plan | None = None,
    time_limit_s: float,
    seed: int = 0,
    stop: Stop = never,
) -> WhatIf | None:
    """
    The problem with and without the settings.

    Parameters
    ----------
    plan
        A plan of the unchanged problem; it is solved anew all the same, and the better plan counts.
    time_limit_s
        For both sides together.

    Returns
    -------
    WhatIf | None
        None where one side got no plan in time.

    Raises
    ------
    InputInvalid
        A setting cannot be made.
    """
    changed = apply_settings(problem, settings)
    half = time_limit_s / 2
    before = best_of(problem, plan, time_limit_s=half, seed=seed, stop=stop)
    after = best_of(changed, before.plan if before else plan, time_limit_s=half, seed=seed, stop=stop)
    if before is None or after is None:
        return None
    before = _better(before, after.plan)
    whole = not before.plan.unserved and not after.plan.unserved
    return WhatIf(
        settings=tuple(settings),
        before=before,
        after=after,
        change=difference(before.plan, after.plan, changed, problem_before=problem),
        least=after.bound - before.plan.objective if whole else None,
        most=after.plan.objective - before.bound if whole else None,
    )


def _better(side: Solved, other: Plan) -> Solved:
    """The other side's plan where it is valid here too and better: want of time may favour neither side."""
    same = carried_over(side.problem, other)
    if same is None:
        return side
    best = min((side.plan, same), key=lambda plan: (unserved_rps(side.problem, plan), plan.objective))
    return Solved(side.problem, best, min(side.bound, best.objective))
