"""The plan: which models share which GPUs in every epoch, and what is proven about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class PlanStatus(StrEnum):
    """What the solver had to say of the plan."""

    OPTIMAL = "optimal"  # proven within the gap asked for
    FEASIBLE = "feasible"  # stopped early; the gap says how far it may be from the best
    PARTIAL = "partial"  # some demand cannot be served; see unserved and excuses


@dataclass(frozen=True, slots=True)
class Placement:
    """
    One model in one sub-cluster.

    Parameters
    ----------
    share
        Part of the model's traffic sent here, one value in [0, 1] for each epoch.
    batch_size
        Largest batch the dispatcher may form: latency and workspace memory are planned for it.
    """

    model: str
    share: tuple[float, ...]
    batch_size: int


@dataclass(frozen=True, slots=True)
class SubCluster:
    """
    GPUs and models scheduled together; ``gpus`` has one count for each epoch.

    ``gpus_planned`` are the counts that the capacity model asks for, where simulation found that others
    are the fewest that keep the SLOs; None where ``gpus`` are as planned.
    """

    id: str
    gpu_type: str
    zone: str
    gpus: tuple[int, ...]
    placements: tuple[Placement, ...]
    gpus_planned: tuple[int, ...] | None = None

    @property
    def gpus_max(self) -> int:
        return max(self.gpus)


@dataclass(frozen=True, slots=True)
class Unserved:
    """Demand left out: ``share`` of the model's traffic, one value for each epoch."""

    model: str
    share: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Excuse:
    """Why something was refused: ``subject`` is a model or a rule, ``bottleneck`` the resource that binds."""

    subject: str
    bottleneck: str
    text: str


@dataclass(frozen=True, slots=True)
class Plan:
    """
    An answer to one planning problem.

    ``objective`` and ``bound`` are dollars per hour over the horizon (the cost stage of the
    lexicographic objective) under the capacity model: of the GPUs as planned. ``gap`` is
    (objective - bound) / objective. ``physical_gap`` compares the objective with the fluid bound: every
    model at its largest feasible batch on the cheapest type, nothing rounded. ``cost_usd_per_hour`` is
    what the plan's GPUs cost; it differs from the objective where a certificate changed their number.
    ``bound_method`` names what proved the bound: fluid, relaxation, lagrangian, crowded, formulation or
    columns.
    """

    status: PlanStatus
    objective: float
    bound: float
    gap: float
    fluid_bound: float
    physical_gap: float
    cost_usd_per_hour: float
    sub_clusters: tuple[SubCluster, ...]
    unserved: tuple[Unserved, ...]
    excuses: tuple[Excuse, ...]
    solver: str
    seed: int
    problem_digest: str
    bound_method: str = "fluid"
