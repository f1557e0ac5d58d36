"""The demo's facts and forecast, submitted over REST: GPU types, pools, models, profiles, demand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from api.cli.output import talk
from api.demo import report
from api.demo.control import ControlPlane
from api.demo.demand import HOURS, DemoModel, demo_models, read_day
from api.demo.processes import run_to_end
from profiles.catalogue import load_catalogue
from profiles.codec import gpu_type_to_json, profile_to_json

if TYPE_CHECKING:
    from api.demo.loop import DemoOptions

POOLS = {"T4": ("zone-a", 48), "V100": ("zone-a", 32), "A10": ("zone-b", 24), "A100-80GB": ("zone-b", 24)}
"""GPUs at hand of each type of the catalogue: zone and number."""

FIRST_HOUR = 12
"""The trace's hour that the horizon begins with: the busiest of its day."""

POLICY = {
    "sub_cluster_gpus_max": 8,
    "bad_rate_max": 0.01,
    "churn_gib_max": 20.0,
    "gpus": "reserved",
    "delays": {"ctrl_us": 2_000, "data_us": 100, "resp_us": 30_000},
}
"""Delays as wide as interpreted daemons on a shared machine need them; the defaults are for a real fleet."""

CPU_TYPE = {"id": "cpu", "memory_gib": 4.0, "reserve_gib": 1.0, "price_usd_per_hour": 0.05}
"""One thread of this host as a GPU type; the price is nominal, nobody sells it."""

REAL_MODEL = "mlp-1024"
REAL_MODEL_WIDTH = 1_024
REAL_MODEL_LAYERS = 4
REAL_MODEL_SLO_MS = 100.0
REAL_MODEL_RPS = 25.0
BATCH_SIZES = "1,2,4,8,16,32"


class Fleet:
    """What was submitted: the models by id, and the trace's hours they came from."""

    def __init__(self, models: list[DemoModel], real_profile: dict[str, Any]) -> None:
        self.models = {model.id: model for model in models}
        self.real_profile = real_profile

    def rate_rps(self, model: str, epoch: int) -> float:
        return self.models[model].demand_rps[epoch] if model in self.models else REAL_MODEL_RPS

    def arrival_cv(self, model: str) -> float:
        return self.models[model].arrival_cv if model in self.models else 1.0


def write_real_model(folder: Path) -> Path:
    """A multilayer perceptron whose time goes into reading its weights, so that batching pays on a CPU."""
    from dispatcher.backends.mlp import write_mlp

    path = (folder / f"{REAL_MODEL}.onnx").resolve()
    write_mlp(path, width=REAL_MODEL_WIDTH, layers=REAL_MODEL_LAYERS, seed=0)
    return path


def submit_facts(
    control: ControlPlane, options: DemoOptions, model_path: Path, environment: dict[str, str]
) -> Fleet:
    """The catalogue's GPU types, the trace's clients as models, and the model measured here."""
    report.step(2, "Load the catalogue; measure one real model on this machine")
    catalogue = load_catalogue()
    talk.print(
        f"  catalogue: {len(catalogue.models)} models, {len(catalogue.profiles)} profiles on "
        f"{len(catalogue.gpu_types)} GPU types"
    )
    models = demo_models(catalogue, tuple(POOLS), read_day(FIRST_HOUR), options.fleet_gpus)
    command = [
        "profile",
        "measure",
        str(model_path),
        "--batch-sizes",
        BATCH_SIZES,
        "--statistic",
        "p95",
        "--json",
    ]
    measured: Any = run_to_end(command, environment)
    real_profile = {key: value for key, value in measured.items() if key in PROFILE_FIELDS}
    report.measured(REAL_MODEL, real_profile)
    gpu_types = [gpu_type_to_json(catalogue.gpu_types[name]) for name in POOLS]
    pools = [{"gpu_type": name, "zone": zone, "available": n} for name, (zone, n) in POOLS.items()]
    control.post("/v1/gpu-types", [*gpu_types, CPU_TYPE])
    control.post("/v1/pools", [*pools, {"gpu_type": CPU_TYPE["id"], "zone": "here", "available": 1}])
    control.post("/v1/models", [*({"id": m.id, "slo_ms": m.slo_ms} for m in models), _real_model(model_path)])
    control.post("/v1/profiles", [*_profiles(models), _real_profile(real_profile)])
    talk.print(f"  submitted {len(models) + 1} models on {len(pools) + 1} GPU types over REST")
    return Fleet(models, real_profile)


def submit_forecast(control: ControlPlane, fleet: Fleet) -> int:
    """24 hourly epochs from now on, as one forecast; returns its id."""
    report.step(3, "Submit the forecast: one day of a production trace")
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    epochs = [{"start": _iso(start + timedelta(hours=hour)), "hours": 1.0} for hour in range(HOURS)]
    rows = [
        {"model": m.id, "demand_rps": list(m.demand_rps), "arrival_cv": [m.arrival_cv] * HOURS}
        for m in fleet.models.values()
    ]
    rows.append({"model": REAL_MODEL, "demand_rps": [REAL_MODEL_RPS] * HOURS, "arrival_cv": [1.0] * HOURS})
    forecast = {"name": "ServeGen m-large, day 8", "epochs": epochs, "models": rows}
    (stored,) = control.post("/v1/forecasts", [forecast])
    total = [sum(m.demand_rps[hour] for m in fleet.models.values()) for hour in range(HOURS)]
    report.forecast(total)
    return int(stored["id"])


PROFILE_FIELDS = frozenset(
    {"alpha_ms", "beta_ms", "latency_ms", "weights_gib", "workspace_gib_per_item", "batch_size_max"}
)


def _profiles(models: list[DemoModel]) -> list[dict[str, Any]]:
    rows = []
    for model in models:
        for profile in model.profiles:
            entry = {k: v for k, v in profile_to_json(profile).items() if k in PROFILE_FIELDS}
            source = f"{profile.provenance.source} @ {profile.provenance.revision[:12]}"
            rows.append({"model": model.id, "gpu_type": profile.gpu_type, **entry, "source": source})
    return rows


def _real_model(path: Path) -> dict[str, Any]:
    shape = [REAL_MODEL_WIDTH]
    return {
        "id": REAL_MODEL,
        "slo_ms": REAL_MODEL_SLO_MS,
        "inputs": [{"name": "input", "datatype": "FP32", "shape": shape}],
        "outputs": [{"name": "output", "datatype": "FP32", "shape": shape}],
        "backend": {"kind": "onnx", "path": str(path)},
    }


def _real_profile(profile: dict[str, Any]) -> dict[str, Any]:
    source = "measured by fermata profile measure on this machine"
    return {"model": REAL_MODEL, "gpu_type": CPU_TYPE["id"], **profile, "source": source}


def _iso(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")
