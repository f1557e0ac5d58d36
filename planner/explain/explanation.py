"""The whole answer about one plan: why demand is left out, what binds, what was refused, what rules cost."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from planner.explain.bindings import Binding, bindings
from planner.explain.clash import Clash, find_clash
from planner.explain.hopeless import Hopeless, hopeless_models
from planner.explain.probe import Prober
from planner.explain.refusals import Refusal, refusals, refused_models
from planner.explain.relaxations import Relaxations, Required, find_relaxations, joined
from planner.explain.rules import business_rules, slo_rules, stock_rules
from planner.explain.worth import Solved, Worth, marginal_gpus, rules_dropped, worths
from planner.plan.plan import Plan
from planner.problem.problem import ModelId, PlanningProblem
from planner.solvers.stopping import Stop, never

MODELS_EXPLAINED = 20  # unless they are asked for by name
MODELS_RELAXED = 6  # whose SLOs and demands are tried one by one
CLASH_SHARE = 0.3  # of the time; the rest is for relaxations
PROBES = 30.0  # that the time should suffice for
PROBE_LEAST_S, PROBE_MOST_S = 0.5, 5.0


@dataclass(frozen=True, slots=True)
class Shortfall:
    """
    Why demand is left out and what would help.

    ``clash`` and ``relaxations`` are None where every model left out is hopeless. ``solved`` counts the
    problems solved to find out.
    """

    hopeless: tuple[Hopeless, ...]
    clash: Clash | None
    relaxations: Relaxations | None
    solved: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """
    About one plan of one problem.

    ``shortfall`` is None where all demand is served; ``gpus`` and ``rules`` are empty where it is not.
    """

    problem: PlanningProblem
    plan: Plan
    shortfall: Shortfall | None
    bindings: tuple[Binding, ...]
    refusals: tuple[Refusal, ...]
    gpus: tuple[Worth, ...]
    rules: tuple[Worth, ...]


def explain(
    problem: PlanningProblem,
    plan: Plan,
    *,
    models: Collection[ModelId] = (),
    time_limit_s: float = 60.0,
    seed: int = 0,
    stop: Stop = never,
) -> Explanation:
    """
    Everything there is to say about a verified plan of the problem.

    Parameters
    ----------
    models
        Whose refused alternatives to list; by default unserved ones and those of the largest peaks.
    time_limit_s
        For all that is solved again; what it does not suffice for is left out, and said to be.
    """
    deadline = time.monotonic() + time_limit_s
    chosen = models or refused_models(problem, plan, MODELS_EXPLAINED)
    shortfall = None
    gpus: tuple[Worth, ...] = ()
    rules: tuple[Worth, ...] = ()
    if plan.unserved:
        shortfall = _shortfall(problem, plan, deadline_s=deadline, seed=seed, stop=stop)
    else:
        base = Solved(problem, plan, plan.bound)
        more, dropped = marginal_gpus(problem), rules_dropped(problem)
        share = time_limit_s * len(more) / max(1, len(more) + len(dropped))
        gpus = worths(base, more, deadline_s=deadline - time_limit_s + share, seed=seed, stop=stop)
        rules = worths(base, dropped, deadline_s=deadline, seed=seed, stop=stop)
    return Explanation(
        problem=problem,
        plan=plan,
        shortfall=shortfall,
        bindings=bindings(problem, plan),
        refusals=refusals(problem, plan, chosen),
        gpus=gpus,
        rules=rules,
    )


def _shortfall(
    problem: PlanningProblem, plan: Plan, *, deadline_s: float, seed: int, stop: Stop
) -> Shortfall:
    now = time.monotonic()
    hopeless = hopeless_models(problem)
    probe_s = min(PROBE_MOST_S, max(PROBE_LEAST_S, (deadline_s - now) / PROBES))
    lost = frozenset(one.model for one in hopeless if not one.late)
    prober = Prober(
        problem, now + (deadline_s - now) * CLASH_SHARE, probe_s, seed=seed, ignored=lost, stop=stop
    )
    remedies = _remedies(hopeless)
    left = [u.model for u in plan.unserved if u.model not in {one.model for one in hopeless}]
    clash = None
    if left:
        known = [*business_rules(problem), *stock_rules(problem), *slo_rules(problem, left[:MODELS_RELAXED])]
        clash = find_clash(prober, known, remedies[0].settings)
    prober.deadline_s = deadline_s
    ways: list[Relaxations] = []
    for needed in remedies:
        if not left and not needed.settings:
            continue
        ways.append(find_relaxations(prober, left[:MODELS_RELAXED], needed))
        if any(way.settings == needed.settings for way in ways[-1].found):
            break  # the shortest SLOs do by themselves
    return Shortfall(hopeless, clash, joined(ways) if ways else None, prober.solved)


def _remedies(hopeless: Sequence[Hopeless]) -> tuple[Required, ...]:
    """The SLOs without which nothing helps: those that open the nearest types, and those that open all."""
    found = []
    for position in (0, -1):
        chosen = [(one, one.late[position]) for one in hopeless if one.late]
        texts = [f"SLO of {one.model} {one.slo_ms:g} -> {near.slo_needed_ms:g} ms" for one, near in chosen]
        found.append(Required(tuple(one.remedy(near) for one, near in chosen), ", ".join(texts)))
    return tuple(dict.fromkeys(found))
