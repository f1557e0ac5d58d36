"""Plans, violations, certificates and differences as tables to read."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from planner.certify import Certificate
    from planner.plan.difference import PlanDifference
    from planner.plan.plan import Plan
    from planner.plan.verify import Violation
    from planner.problem.problem import PlanningProblem

WIDTH_WITHOUT_TERMINAL = 120


def stdout() -> Console:
    """Plain text on stdout; wide enough for a table where no terminal says how wide."""
    return Console(
        file=sys.stdout, highlight=False, width=None if sys.stdout.isatty() else WIDTH_WITHOUT_TERMINAL
    )


def show_plan(problem: PlanningProblem, plan: Plan | None) -> None:
    if plan is None:
        return
    console = stdout()
    table = Table("sub-cluster", "GPU type", "zone", "GPUs", "models (largest batch)", title=None)
    for cluster in plan.sub_clusters:
        gpus = (
            str(cluster.gpus[0]) if len(set(cluster.gpus)) == 1 else f"{min(cluster.gpus)}-{cluster.gpus_max}"
        )
        members = ", ".join(
            f"{p.model} ({p.batch_size})"
            if min(p.share) == 1
            else f"{_percent(p.share)} of {p.model} ({p.batch_size})"
            for p in cluster.placements
        )
        table.add_row(cluster.id, cluster.gpu_type, cluster.zone, gpus, members)
    console.print(table)
    for pipeline in problem.pipelines:
        budgets = ", ".join(f"{s.model} {problem.models[s.model].slo_ms:g}" for s in pipeline.stages)
        console.print(
            f"pipeline {pipeline.id}: {pipeline.slo_ms:g} ms divided: {budgets}; "
            "bound and gap are for this division",
            markup=False,
            soft_wrap=True,
        )
    for left in plan.unserved:
        console.print(f"unserved: {_percent(left.share)} of {left.model}", markup=False, soft_wrap=True)
    for excuse in plan.excuses:
        console.print(f"  {excuse.bottleneck}: {excuse.text}", markup=False, soft_wrap=True)
    console.print(
        f"{plan.cost_usd_per_hour:.3f} USD/h over {problem.horizon_hours:g} h; {plan.status}: "
        f"bound {plan.bound:.3f} ({plan.bound_method}), gap {plan.gap:.2%}; "
        f"physical gap {plan.physical_gap:.2%} (fluid bound {plan.fluid_bound:.3f})",
        soft_wrap=True,
    )
    if plan.cost_usd_per_hour != plan.objective:
        console.print(
            f"certified by simulation; the capacity model, which bound and gap speak of, asks for "
            f"{plan.objective:.3f} USD/h",
            soft_wrap=True,
        )


def show_violations(found: Sequence[Violation], console: Console | None = None) -> None:
    shown = console or stdout()
    if not found:
        shown.print("the plan keeps every rule of its problem")
    for violation in found:
        shown.print(str(violation), markup=False, soft_wrap=True)


def show_certificate(certificate: Certificate) -> None:
    table = Table(
        "sub-cluster", "epoch", "GPUs", "requests/s", "simulated", "bad rate", "interval", "busy", "verdict"
    )
    for cluster in certificate.sub_clusters:
        for e in cluster.evidence:
            table.add_row(
                cluster.sub_cluster,
                str(e.epoch),
                str(e.gpus),
                f"{e.rate_rps:.1f}",
                str(e.requests),
                f"{e.bad_rate:.3%}",
                f"{e.bad_rate_low:.3%} to {e.bad_rate_high:.3%}",
                f"{e.gpu_busy_share:.1%}",
                e.verdict.value,
            )
    console = stdout()
    console.print(table)
    verdict = "passed" if certificate.passed else "not passed"
    console.print(
        f"{verdict}: bad rate at most {certificate.bad_rate_max:.2%}, confidence {certificate.confidence:.0%}"
    )


def show_difference(found: PlanDifference) -> None:
    console = stdout()
    if found.is_empty:
        console.print("nothing moves")
    moves = Table("model", "from", "to", "why")
    for move in found.moves:
        moves.add_row(move.model, ", ".join(move.before) or "-", ", ".join(move.after) or "-", move.reason)
    clusters = Table("sub-cluster", "GPU type", "zone", "change", "GPUs", "GiB loaded")
    for s in found.sub_clusters:
        gpus = f"{s.gpus_before} -> {s.gpus_after}"
        clusters.add_row(s.id, s.gpu_type, s.zone, s.change, gpus, f"{s.loaded_gib:.2f}")
    for table in (moves, clusters):
        if table.row_count:
            console.print(table)
    for kind in found.gpu_types:
        console.print(
            f"{kind.gpu_type}: {kind.gpus_before} -> {kind.gpus_after} GPUs, {kind.usd_per_hour:+.3f} USD/h"
        )
    console.print(f"{found.cost_usd_per_hour:+.3f} USD/h; {found.churn_gib:.2f} GiB to load")


def _percent(share: Sequence[float]) -> str:
    low, high = min(share), max(share)
    return f"{high:.1%}" if high - low < 5e-4 else f"{low:.1%} to {high:.1%}"
