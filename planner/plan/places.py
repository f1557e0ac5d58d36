"""Check that models live where their rules let them, and beside whom."""

from __future__ import annotations

from collections.abc import Iterator

from planner.plan.plan import Plan, SubCluster
from planner.problem.problem import Model, PlanningProblem


def misplaced(problem: PlanningProblem, plan: Plan) -> Iterator[tuple[str, str]]:
    """Rule and sentence for each model in a place that its own rules forbid."""
    for cluster in plan.sub_clusters:
        for placement in cluster.placements:
            model = problem.models[placement.model]
            yield from _of_model(model, cluster)
            if model.rules.dedicated and len(cluster.placements) > 1:
                others = ", ".join(p.model for p in cluster.placements if p.model != model.id)
                yield "dedicated", f"{cluster.id} holds {others} beside {model.id}, which is dedicated"


def _of_model(model: Model, cluster: SubCluster) -> Iterator[tuple[str, str]]:
    rules, pin = model.rules, model.rules.pinned_to
    where = f"{model.id} lives in {cluster.id} of {cluster.gpu_type}/{cluster.zone}"
    if rules.gpu_types_allowed is not None and cluster.gpu_type not in rules.gpu_types_allowed:
        yield "placement", f"{where}, allowed are {', '.join(rules.gpu_types_allowed)}"
    if cluster.gpu_type in rules.gpu_types_excluded:
        yield "placement", f"{where}, a GPU type excluded"
    if rules.zones_allowed is not None and cluster.zone not in rules.zones_allowed:
        yield "placement", f"{where}, allowed are {', '.join(rules.zones_allowed)}"
    if pin is None:
        return
    wanted = {"GPU type": pin.gpu_type, "zone": pin.zone, "sub-cluster": pin.sub_cluster}
    here = {"GPU type": cluster.gpu_type, "zone": cluster.zone, "sub-cluster": cluster.id}
    for kind, name in wanted.items():
        if name is not None and name != here[kind]:
            yield "pinned", f"{where}, it is pinned to {kind} {name}"
