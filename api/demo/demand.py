"""The demo's demand: one day of a production trace, each client one model of the catalogue."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from importlib import resources

from profiles.catalogue import Catalogue
from profiles.profile import Profile

HOURS = 24
SLO_STEP_MS = 10
SLO_MS_MIN = 100
SLO_BATCH_SIZE = 4
SLO_LATENCY_FACTOR = 3
ARRIVAL_CV_MAX = 4.0


@dataclass(frozen=True, slots=True)
class TraceClient:
    """One client of the trace: its mean requests per second in each hour, and how bursty it is."""

    client: str
    arrival_cv: float
    rate_rps: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class DemoModel:
    """
    One client as one model of the fleet.

    ``slo_ms`` is three times the latency of a batch of four on the slowest of its GPU types,
    rounded up to 10 ms and at least 100 ms. ``arrival_cv`` is the client's, cut at 4: beyond it a
    gamma process sends bursts of tens of requests at one instant.
    """

    id: str
    slo_ms: float
    arrival_cv: float
    demand_rps: tuple[float, ...]
    profiles: tuple[Profile, ...]


def read_day(first_hour: int) -> list[TraceClient]:
    """The trace's clients, their day turned so that it begins with ``first_hour``."""
    text = resources.files("api.demo.data").joinpath("servegen_day.csv").read_text(encoding="utf-8")
    clients = []
    for row in csv.DictReader(text.splitlines()):
        rates = [float(row[f"rate_rps_{(first_hour + hour) % HOURS:02d}"]) for hour in range(HOURS)]
        clients.append(TraceClient(row["client"], float(row["iat_cv"]), tuple(rates)))
    return clients


def demo_models(
    catalogue: Catalogue, gpu_types: tuple[str, ...], clients: list[TraceClient], fleet_gpus: int
) -> list[DemoModel]:
    """
    Give each client a model of the catalogue and scale the rates to a fleet of ``fleet_gpus``.

    The models of the catalogue are taken in turn, those on most of the GPU types first, and the
    whole demand is scaled so that its peak hour would fill ``fleet_gpus`` GPUs at the models'
    largest feasible batches, each on its fastest type.
    """
    choices = _models_by_coverage(catalogue, gpu_types)
    paired = [(client, choices[i % len(choices)]) for i, client in enumerate(clients)]
    unscaled = [_demo_model(client, profiles, scale=1.0) for client, profiles in paired]
    peak_gpus = max(sum(_gpus_needed(model, hour) for model in unscaled) for hour in range(HOURS))
    scale = fleet_gpus / peak_gpus
    return [_demo_model(client, profiles, scale) for client, profiles in paired]


def _models_by_coverage(catalogue: Catalogue, gpu_types: tuple[str, ...]) -> list[tuple[Profile, ...]]:
    found = []
    for model in catalogue.models:
        profiles = [catalogue.profile(model, gpu_type) for gpu_type in gpu_types]
        known = tuple(profile for profile in profiles if profile is not None)
        if known:
            found.append(known)
    return sorted(found, key=lambda profiles: (-len(profiles), profiles[0].model))


def _demo_model(client: TraceClient, profiles: tuple[Profile, ...], scale: float) -> DemoModel:
    slowest_ms = max(p.curve.latency_us(min(SLO_BATCH_SIZE, p.batch_size_max)) for p in profiles) / 1_000
    slo_ms = max(SLO_MS_MIN, math.ceil(SLO_LATENCY_FACTOR * slowest_ms / SLO_STEP_MS) * SLO_STEP_MS)
    return DemoModel(
        id=f"{profiles[0].model}-{client.client}",
        slo_ms=float(slo_ms),
        arrival_cv=min(client.arrival_cv, ARRIVAL_CV_MAX),
        demand_rps=tuple(float(f"{rate * scale:.5g}") for rate in client.rate_rps),
        profiles=profiles,
    )


def _gpus_needed(model: DemoModel, hour: int) -> float:
    """GPUs kept busy by the hour's demand at the largest batch within half the SLO, on the fastest type."""
    fastest_rps = 0.0
    for profile in model.profiles:
        batch_size = profile.curve.batch_size_within(model.slo_ms * 1_000 / 2, profile.batch_size_max)
        if batch_size:
            fastest_rps = max(fastest_rps, profile.curve.throughput_rps(batch_size))
    return model.demand_rps[hour] / fastest_rps if fastest_rps else 0.0
