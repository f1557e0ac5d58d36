"""A rollout to read: waves, their steps in words, what they load and lose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from api.cli.plan_tables import stdout

if TYPE_CHECKING:
    from planner.rollout.steps import Rollout, Route, RouteChange, Step

LOST_SHOWN = 3


def show_rollout(found: Rollout) -> None:
    console = stdout()
    if not found.waves:
        console.print("nothing to do")
        return
    table = Table("wave", "seconds", "GiB", "requests lost", "steps")
    for number, wave in enumerate(found.waves, start=1):
        lines = [line for step in wave.steps for line in _lines(step)]
        lost = f"{wave.lost_requests:.1f}" if wave.lost_rps else "none"
        table.add_row(str(number), f"{wave.duration_s:.1f}", f"{wave.gib:.2f}", lost, "\n".join(lines))
    console.print(table, markup=False)
    console.print(
        f"{len(found.waves)} wave(s), {found.duration_s:.1f} s at {found.load_gib_per_s:g} GiB/s; "
        f"{found.gib:.2f} GiB to load, the plans differ by {found.churn_gib:.2f}",
        soft_wrap=True,
    )
    by_model: dict[str, float] = {}
    for wave in found.waves:
        for model, rate in wave.lost_rps:
            by_model[model] = by_model.get(model, 0.0) + rate * wave.duration_s
    if not by_model:
        console.print("no model is served less than in the poorer of the two plans; every wave can be undone")
        return
    worst = sorted(by_model, key=lambda model: (-by_model[model], model))
    named = ", ".join(f"{model} {by_model[model]:.1f}" for model in worst[:LOST_SHOWN])
    more = ", ..." if len(worst) > LOST_SHOWN else ""
    console.print(
        f"temporary loss: {found.lost_requests:.1f} requests ({named}{more}), "
        f"{found.lost_rps_max:.3f} requests/s at worst; every wave can be undone",
        markup=False,
        soft_wrap=True,
    )


def _lines(step: Step) -> list[str]:
    from planner.rollout.steps import AddGpus, Load, Switch, Unload

    if isinstance(step, Switch):
        return [_switched(change) for change in step.changes]
    if isinstance(step, Load):
        return [f"load {step.model} on the {step.gpus} GPU(s) of {step.sub_cluster}: {step.gib:.2f} GiB"]
    if isinstance(step, Unload):
        return [f"unload {step.model} from the {step.gpus} GPU(s) of {step.sub_cluster}"]
    place = f"{step.gpu_type}/{step.zone}"
    if isinstance(step, AddGpus):
        models = ", ".join(step.models)
        return [f"add {step.gpus} GPU(s) of {place} to {step.sub_cluster} with {models}: {step.gib:.2f} GiB"]
    return [f"remove {step.gpus} GPU(s) of {step.sub_cluster} to {place}"]


def _switched(change: RouteChange) -> str:
    return f"switch {change.model}: {_routed(change.before)} -> {_routed(change.after)}"


def _routed(routes: tuple[Route, ...]) -> str:
    parts = (f"{_share(r.share)}{r.sub_cluster} (batch {r.batch_size})" for r in routes)
    return " + ".join(parts) or "nowhere"


def _share(share: float) -> str:
    return "" if share > 1 - 1e-6 else f"{share:.1%} "
