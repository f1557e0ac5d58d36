"""What waits for what when nothing more is safe: the cycles that a rollout must break."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import networkx as nx

from planner.rollout.order import Ordering


@dataclass(frozen=True, slots=True)
class Pending:
    """Work not yet done: ``load``, ``unload``, ``add``, ``remove`` (of GPUs) or ``switch``."""

    kind: str
    sub_cluster: str
    model: str

    def __str__(self) -> str:
        if self.kind == "switch":
            return f"switch {self.model}"
        if self.model:
            return f"{self.kind} {self.model} {'from' if self.kind == 'unload' else 'on'} {self.sub_cluster}"
        return f"{self.kind} GPUs {'from' if self.kind == 'remove' else 'to'} {self.sub_cluster}"


def waits(ordering: Ordering) -> nx.DiGraph[Pending]:
    """An edge from each pending work to what it waits for: memory, GPUs of its pool, traffic to leave."""
    graph: nx.DiGraph[Pending] = nx.DiGraph()
    now, target = ordering.now, ordering.target
    removing: dict[tuple[str, str], list[Pending]] = {}
    unloading: dict[str, list[Pending]] = {}
    for name, group in sorted(now.groups.items()):
        goal = ordering.goal(name)
        for model in sorted(group.models - (goal.models if goal else frozenset())):
            unload = Pending("unload", name, model)
            unloading.setdefault(name, []).append(unload)
            graph.add_edge(unload, Pending("switch", "", model))
        if group.gpus > (goal.gpus if goal else 0):
            remove = Pending("remove", name, "")
            if name not in ordering.capacity.set_apart:
                removing.setdefault(group.pool, []).append(remove)
            graph.add_edges_from((remove, Pending("switch", "", m)) for m in now.routed(name))
    for name, goal in sorted(target.groups.items()):
        running = now.groups.get(name)
        if goal.gpus > (running.gpus if running else 0):
            add = Pending("add", name, "")
            graph.add_node(add)
            graph.add_edges_from((add, remove) for remove in removing.get(goal.pool, ()))
        for model in sorted(goal.models - running.models) if running else ():
            load = Pending("load", name, model)
            graph.add_node(load)
            graph.add_edges_from((load, unload) for unload in unloading.get(name, ()))
    for switch in [node for node in graph if node.kind == "switch"]:
        for name in sorted(target.routes.get(switch.model, {})):
            for kind, model in (("load", switch.model), ("add", "")):
                if Pending(kind, name, model) in graph:
                    graph.add_edge(switch, Pending(kind, name, model))
            for unload in unloading.get(name, ()):
                if unload.model != switch.model:
                    graph.add_edge(switch, Pending("switch", "", unload.model))
    return graph


def knot(graph: nx.DiGraph[Pending]) -> set[Pending]:
    """The work in cycles that wait for nothing outside them; all of it where there is no cycle."""
    order = nx.condensation(graph)
    tight = {n for n in order if len(order.nodes[n]["members"]) > 1}
    waits_for_cycle: set[int] = set()
    for n in reversed(list(nx.topological_sort(order))):
        if any(other in tight or other in waits_for_cycle for other in order.successors(n)):
            waits_for_cycle.add(n)
    found = {node for n in tight - waits_for_cycle for node in order.nodes[n]["members"]}
    return found or set(graph)


def cycle_text(graph: nx.DiGraph[Pending]) -> str:
    """One shortest cycle in words; empty where there is none."""
    best: list[Pending] = []
    for members in nx.strongly_connected_components(graph):
        if len(members) > 1:
            inside = graph.subgraph(members)
            start = min(members, key=str)
            ways = (nx.shortest_path(inside, after, start) for after in inside.successors(start))
            cycle = [start, *min(ways, key=len)]
            best = cycle if not best or len(cycle) < len(best) else best
    return "; ".join(f"{a} waits for {b}" for a, b in pairwise(best))
