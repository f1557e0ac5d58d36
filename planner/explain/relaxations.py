"""
The smallest changes after which all demand is served, each found by solving again.

A knob is one value that could be given way on, with a smallest step; its smallest sufficient number of steps
is found by halving, between what is known not to do and what does. Every knob's end is two solved problems:
the change, which serves all demand with a verified plan, and one step less, which does not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from planner.explain.probe import Answer, OutOfTime, Prober, carried_over
from planner.explain.rules import Rule, business_rules, gpus_plenty, slo_plenty_ms
from planner.explain.settings import Operation, Setting, apply_settings
from planner.plan.churn import churn_gib
from planner.plan.plan import Plan
from planner.problem.problem import ModelId, PlanningProblem, Pool

STEPS_OF_A_VALUE = 100  # a step is at most one in a hundred of the value: 1, 2 or 5 times a power of ten
SLO_TIMES_MAX = 4.0  # longer ones are another promise
DEMAND_STEPS = 99  # of one per cent
MICROSECOND_MS = 0.001
NOT_TRIED = "not tried for want of time"
NOT_FOUND = "no plan found"

StepsTaken = Callable[[Plan], int]


@dataclass(frozen=True, slots=True)
class Knob:
    """A value to give way on: ``settings(k)`` makes k steps, ``text(k)`` says what that is."""

    steps: int
    settings: Callable[[int], tuple[Setting, ...]]
    text: Callable[[int], str]
    taken: StepsTaken | None = None  # how many steps a plan found with more of them really takes


@dataclass(frozen=True, slots=True)
class Relaxation:
    """
    One way out: with ``settings`` made, ``plan`` serves all demand.

    ``less`` is the outcome of one step less: ``proven impossible``, ``no plan found``, or not tried.
    """

    text: str
    settings: tuple[Setting, ...]
    plan: Plan
    less: str


@dataclass(frozen=True, slots=True)
class Relaxations:
    """The ways found; what was tried in vain; what there was no time for."""

    found: tuple[Relaxation, ...]
    in_vain: tuple[str, ...]
    untried: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Required:
    """Settings without which nothing helps (SLOs that no GPU type keeps), and the same in words."""

    settings: tuple[Setting, ...] = ()
    text: str = ""

    @property
    def a_microsecond_less(self) -> tuple[Setting, ...]:
        """The same, each SLO shorter by the dispatcher's smallest step."""
        return tuple(replace(s, operand=round(s.operand - MICROSECOND_MS, 3)) for s in self.settings)


def joined(several: Sequence[Relaxations]) -> Relaxations:
    """The ways found from different beginnings together; in vain is what was so from all of them."""
    found = {frozenset(way.settings): way for one in several for way in one.found}
    vain = set.intersection(*(set(one.in_vain) for one in several))
    untried = dict.fromkeys(name for one in several for name in one.untried)
    return Relaxations(
        tuple(found.values()), tuple(name for name in several[0].in_vain if name in vain), tuple(untried)
    )


def find_relaxations(prober: Prober, unserved: Sequence[ModelId], needed: Required) -> Relaxations:
    """
    Ways to serve all demand, the most usual first.

    Parameters
    ----------
    unserved
        Models left out by the plan at hand; their SLOs and demands come before those of others.
    needed
        Part of every way.
    """
    required = needed.settings
    found: list[Relaxation] = []
    in_vain: list[str] = []
    untried: list[str] = []
    try:
        if required:
            enough = prober.ask(required)
            if enough.served and enough.plan is not None:
                less = prober.ask(needed.a_microsecond_less).outcome
                return Relaxations((Relaxation(needed.text, required, enough.plan, less),), (), ())
    except OutOfTime:
        return Relaxations((), (), (needed.text,))
    prefix = f"{needed.text}, and " if needed.text else ""
    helpful: list[Knob] = []
    shopping: Relaxation | None = None
    try:
        shopping = _several_pools(prober, required)
    except OutOfTime:
        untried.append("inventory of several pools")
    for name, knob in _knobs(prober.problem, unserved):
        try:
            way = smallest(prober, knob, required, insist=False)
        except OutOfTime:
            untried.append(name)
            continue
        if way is None:
            in_vain.append(name)
        else:
            helpful.append(knob)
            found.append(replace(way, text=prefix + way.text))
    if shopping is not None and all(set(shopping.settings) != set(way.settings) for way in found):
        found.append(replace(shopping, text=prefix + shopping.text))
    for index, knob in enumerate(helpful):  # what is known is not asked again: only one step less is
        surer = smallest(prober, knob, required, insist=True) if found[index].less == NOT_FOUND else None
        if surer is not None and surer.less != NOT_TRIED:
            found[index] = replace(surer, text=prefix + surer.text)
    return Relaxations(tuple(found), tuple(in_vain), tuple(untried))


def smallest(
    prober: Prober, knob: Knob, required: Sequence[Setting] = (), *, insist: bool = True
) -> Relaxation | None:
    """
    The fewest steps of a knob that serve all demand; None where all of its steps do not.

    With ``insist``, one step less is tried again from other seeds before it counts as too few.
    """

    def ask(steps: int) -> Answer:
        return prober.ask([*required, *(knob.settings(steps) if steps else ())])

    if knob.steps < 1:
        return None
    best = ask(knob.steps)
    if not best.served or best.plan is None:
        return None
    high, best = _as_taken(prober, knob, required, knob.steps, best)
    less = NOT_TRIED
    try:
        while True:
            low = 0
            while high - low > 1:
                middle = (low + high) // 2
                answer = ask(middle)
                if answer.served:
                    high, best = _as_taken(prober, knob, required, middle, answer)
                else:
                    low = middle
            below = prober.insist([*required, *knob.settings(low)]) if low and insist else ask(low)
            if not below.served:
                less = below.outcome
                break
            high, best = low, below
    except OutOfTime:
        pass
    if best.plan is None:
        return None
    return Relaxation(knob.text(high), (*required, *knob.settings(high)), best.plan, less)


def _as_taken(
    prober: Prober, knob: Knob, required: Sequence[Setting], high: int, best: Answer
) -> tuple[int, Answer]:
    """Down to what the plan really uses: the same plan, verified against the smaller change."""
    if knob.taken is None or best.plan is None:
        return high, best
    taken = max(1, knob.taken(best.plan))
    if taken >= high:
        return high, best
    problem = apply_settings(prober.problem, [*required, *knob.settings(taken)])
    plan = carried_over(problem, best.plan)
    if plan is None:
        return high, best
    return taken, Answer(problem, plan, True, False)


def _knobs(problem: PlanningProblem, unserved: Sequence[ModelId]) -> Iterator[tuple[str, Knob]]:
    for pool in sorted(problem.pools, key=lambda pool: pool.id):
        yield f"inventory of {pool.id}", inventory_knob(problem, pool)
    limit = problem.policy.churn_gib_max
    if limit is not None and problem.active_plan is not None:
        yield "churn budget", churn_knob(problem, limit)
    if problem.policy.scheduler_rate_rps_max is not None:
        yield "scheduler rate", scheduler_rate_knob(problem, problem.policy.scheduler_rate_rps_max)
    for rule in business_rules(problem):
        if rule.path not in ("policy.churn_gib_max", "policy.scheduler_rate_rps_max"):
            yield rule.name, whole_knob(rule)
    yield "demand of every model", demand_knob("*", None)
    for name in unserved:
        yield f"SLO of {name}", slo_knob(problem, name)
        yield f"demand of {name}", demand_knob(name, max(problem.models[name].demand_rps))


def inventory_knob(problem: PlanningProblem, pool: Pool) -> Knob:
    """One more GPU of a pool for each step."""
    path = f"inventory.{pool.gpu_type}.{pool.zone}"

    def taken(plan: Plan) -> int:
        return gpus_used(plan, pool) - pool.available

    return Knob(
        steps=gpus_plenty(problem, pool.gpu_type),
        settings=lambda k: (Setting(path, Operation.ADD, k),),
        text=lambda k: f"+{k} {pool.gpu_type} in {pool.zone} ({pool.available} -> {pool.available + k})",
        taken=taken,
    )


def churn_knob(problem: PlanningProblem, budget: float) -> Knob:
    """The churn budget, up to loading every model on every GPU there is."""
    gpus = sum(pool.available for pool in problem.pools)
    heaviest = {name: max(p.weights_gib for p in m.profiles.values()) for name, m in problem.models.items()}
    most = sum(heaviest.values()) * max(1, gpus)
    step = nice_step(max(budget, max(heaviest.values(), default=1.0)) / STEPS_OF_A_VALUE)
    path = "policy.churn_gib_max"

    def value(k: int) -> float:
        return round(budget + k * step, 9)

    return Knob(
        steps=max(1, math.ceil((most - budget) / step)),
        settings=lambda k: (Setting(path, Operation.REPLACE, value(k)),),
        text=lambda k: f"churn budget {budget:g} -> {value(k):g} GiB",
        taken=lambda plan: math.ceil((churn_gib(problem, plan, problem.active_plan) - budget) / step),
    )


def scheduler_rate_knob(problem: PlanningProblem, limit: float) -> Knob:
    """Requests per second of one dispatcher, up to all that is asked for at once."""
    epochs = range(len(problem.epochs))
    most = max((sum(m.demand_rps[e] for m in problem.models.values()) for e in epochs), default=0.0)
    step = nice_step(limit / STEPS_OF_A_VALUE)

    def value(k: int) -> float:
        return round(limit + k * step, 9)

    return Knob(
        steps=math.ceil((most - limit) / step),
        settings=lambda k: (Setting("policy.scheduler_rate_rps_max", Operation.REPLACE, value(k)),),
        text=lambda k: f"scheduler rate {limit:g} -> {value(k):g} requests/s",
    )


def slo_knob(problem: PlanningProblem, name: ModelId) -> Knob:
    """A longer SLO of one model, up to ``SLO_TIMES_MAX`` times what it is."""
    slo_ms = problem.models[name].slo_ms
    step = nice_step(slo_ms / STEPS_OF_A_VALUE)
    most = min(SLO_TIMES_MAX * slo_ms, slo_plenty_ms(problem, problem.models[name]))

    def value(k: int) -> float:
        return round(slo_ms + k * step, 9)

    return Knob(
        steps=math.floor((most - slo_ms) / step),
        settings=lambda k: (Setting(f"models.{name}.slo_ms", Operation.REPLACE, value(k)),),
        text=lambda k: f"SLO of {name} {slo_ms:g} -> {value(k):g} ms",
    )


def demand_knob(name: ModelId, peak_rps: float | None) -> Knob:
    """Less demand of one model, or of all by the same factor; a step is one per cent."""

    def text(k: int) -> str:
        share = (100 - k) / 100
        if peak_rps is None:
            return f"demand of every model x{share:g}"
        return f"demand of {name} at most {peak_rps * share:.4g} requests/s (x{share:g})"

    return Knob(
        steps=DEMAND_STEPS,
        settings=lambda k: (Setting(f"models.{name}.demand_rps", Operation.MULTIPLY, (100 - k) / 100),),
        text=text,
    )


def whole_knob(rule: Rule) -> Knob:
    """A rule that is kept or dropped."""
    return Knob(steps=1, settings=lambda k: (rule.dropped,) * k, text=lambda _: f"without {rule.name}")


def gpus_used(plan: Plan, pool: Pool) -> int:
    """GPUs of a pool that the plan uses at its largest epoch."""
    mine = [c.gpus for c in plan.sub_clusters if (c.gpu_type, c.zone) == (pool.gpu_type, pool.zone)]
    return max((sum(column) for column in zip(*mine, strict=True)), default=0)


def nice_step(value: float) -> float:
    """The largest of 1, 2 and 5 times a power of ten that is at most ``value``."""
    power = 10.0 ** math.floor(math.log10(value))
    return max(power * digit for digit in (1, 2, 5) if power * digit <= value * (1 + 1e-9))


def _several_pools(prober: Prober, required: Sequence[Setting]) -> Relaxation | None:
    """GPUs in several pools at once: those of a plan with all the stock there could be, none to spare."""
    problem = prober.problem
    pools = sorted(problem.pools, key=lambda pool: pool.id)

    def settings(extra: dict[str, int]) -> tuple[Setting, ...]:
        added = [
            Setting(f"inventory.{p.gpu_type}.{p.zone}", Operation.ADD, extra[p.id])
            for p in pools
            if extra[p.id]
        ]
        return (*required, *added)

    answer = prober.ask(settings({p.id: gpus_plenty(problem, p.gpu_type) for p in pools}))
    if not answer.served or answer.plan is None:
        return None
    extra = {p.id: max(0, gpus_used(answer.plan, p) - p.available) for p in pools}
    less = NOT_FOUND
    for pool in sorted(pools, key=lambda p: -problem.gpu_types[p.gpu_type].price_usd_per_hour):
        low, high = -1, extra[pool.id]
        while high - low > 1:
            middle = (low + high) // 2
            tried = prober.ask(settings({**extra, pool.id: middle}))
            low, high = (low, middle) if tried.served else (middle, high)
            less = less if tried.served else tried.outcome
        extra[pool.id] = high
    final = prober.ask(settings(extra))
    if not final.served or final.plan is None:
        return None
    parts = [f"+{extra[p.id]} {p.gpu_type} in {p.zone}" for p in pools if extra[p.id]]
    return Relaxation(", ".join(parts), settings(extra), final.plan, less)
