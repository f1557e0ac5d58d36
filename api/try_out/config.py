"""
From the content of a try-out file to a sub-cluster with its doors, or to every fault in it.

Fields that may be left out: ``name`` "try-out", ``policy`` adaptive, ``delays`` those of ``LIVE_DELAYS``,
``doors`` free ports on loopback, ``gpu_type`` where every model gives ``latency_ms``, of a model ``id`` (its
name), ``latency_ms`` (the catalogue's profile), ``batch_size_max`` (the profile's,
or for ``latency_ms`` as in a scenario), ``queue_max``, and ``backend``, ``inputs`` and ``outputs`` of a model
that is not emulated; ``devices`` where workers see all of the machine's.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Any

from api.try_out.backends import BACKEND_FIELDS, check_served, read_devices, read_tensors_and_backend
from dispatcher.contract.sub_cluster import LIVE_RULES, ServedModel, SubClusterSpec
from dispatcher.contract.sub_cluster_file import GPUS_MAX
from dispatcher.contract.tls_files import TlsFiles
from dispatcher.core.delays import Delays
from dispatcher.core.rules import Policy, Rules
from dispatcher.simulation.parse import (
    BATCH_SIZE_MAX,
    DELAY_US_MAX,
    QUEUE_DEFAULT,
    QUEUE_MAX,
    SLO_MS_MAX,
    US_PER_MS,
    read_curve,
)
from dispatcher.simulation.reader import Reader
from profiles.catalogue import Catalogue, load_catalogue
from profiles.faults import InputInvalid
from profiles.latency import LatencyCurve, TabulatedCurve
from profiles.profile import Profile

SUBJECT = "try-out file"
PORT_MAX = 65_535
OPTIONAL_FIELDS = ("name", "gpu_type", "policy", "delays", "doors", "devices")
DOOR_PORTS = ("http_port", "grpc_port", "native_port")
LOOPBACK = "127.0.0.1"
NAMES_SHOWN_MAX = 12

LIVE_DELAYS = Delays(ctrl_us=1_000, data_us=20, resp_us=10_000)
"""What doors, workers and clients that share one machine's processors need of an SLO."""

POLICIES = [policy.value for policy in Policy if policy is not Policy.SHEPHERD]
"""Shepherd preempts batches, and workers execute each to its end."""


@dataclass(frozen=True, slots=True)
class Doors:
    """Where clients knock; port 0 takes any that is free."""

    host: str = LOOPBACK
    http_port: int = 0
    grpc_port: int = 0
    native_port: int = 0
    tls: TlsFiles | None = None


@dataclass(frozen=True, slots=True)
class TryOut:
    """One sub-cluster to bring up; ``gpu_type`` is None where no profile of the catalogue is used."""

    spec: SubClusterSpec
    gpu_type: str | None
    doors: Doors
    devices: tuple[str, ...] = ()


def parse_try_out(data: object, catalogue: Catalogue | None = None) -> TryOut:
    """The try-out in ``data`` (parsed YAML or JSON). Raises ``InputInvalid`` with all faults at once."""
    reader = _TryOutReader(catalogue or load_catalogue())
    try_out = reader.try_out(data)
    if reader.faults or try_out is None:
        raise InputInvalid(SUBJECT, reader.faults)
    return try_out


class _TryOutReader(Reader):
    def __init__(self, catalogue: Catalogue) -> None:
        super().__init__()
        self._catalogue = catalogue
        self._gpu_type: str | None = None
        self._delays = LIVE_DELAYS

    def try_out(self, data: object) -> TryOut | None:
        if not isinstance(data, dict):
            self.refuse("(whole)", data, "must be an object")
            return None
        given = self.fields("", data, ("gpus", "models"), OPTIONAL_FIELDS)
        if "gpu_type" in given:
            self._gpu_type = self._known("gpu_type", given["gpu_type"], list(self._catalogue.gpu_types))
        self._delays = self._read_delays(given.get("delays", {}))
        policy = self.choice("policy", given.get("policy", Policy.ADAPTIVE.value), POLICIES)
        models = self._models(given["models"], typed="gpu_type" in given) if "models" in given else ()
        self._memory_fits(models)
        spec = SubClusterSpec(
            id=self.text("name", given.get("name", "try-out")),
            plan_version=0,
            gpus=self.whole("gpus", given.get("gpus", 1), least=1, most=GPUS_MAX),
            models=tuple(model for model, _ in models),
            rules=Rules(Policy(policy or Policy.ADAPTIVE), time_quantile=LIVE_RULES.time_quantile),
            delays=self._delays,
        )
        devices = read_devices(self, given["devices"], spec.gpus) if "devices" in given else ()
        return TryOut(spec, self._gpu_type, self._doors(given.get("doors", {})), devices)

    def _read_delays(self, value: object) -> Delays:
        names = ("ctrl_us", "data_us", "resp_us")
        given = self.fields("delays", value, (), names)
        return Delays(
            *(
                self.whole(
                    f"delays.{name}", given.get(name, getattr(LIVE_DELAYS, name)), least=0, most=DELAY_US_MAX
                )
                for name in names
            )
        )

    def _doors(self, value: object) -> Doors:
        given = self.fields("doors", value, (), ("host", "tls", *DOOR_PORTS))
        ports = {
            name: self.whole(f"doors.{name}", given.get(name, 0), least=0, most=PORT_MAX)
            for name in DOOR_PORTS
        }
        taken: dict[int, str] = {}
        for name, port in ports.items():
            if port and port in taken:
                self.refuse(f"doors.{name}", port, f"must not be that of doors.{taken[port]}")
            taken.setdefault(port, name)
        tls = self._tls(given["tls"]) if "tls" in given else None
        return Doors(self.text("doors.host", given.get("host", LOOPBACK)), **ports, tls=tls)

    def _tls(self, value: object) -> TlsFiles:
        names = ("certificate", "key")
        given = self.fields("doors.tls", value, names, ())
        return TlsFiles(*(self.text(f"doors.tls.{name}", given.get(name, "-")) for name in names))

    def _models(self, value: object, *, typed: bool) -> tuple[tuple[ServedModel, Profile | None], ...]:
        """Each model with the profile it has from the catalogue; ``typed`` where a GPU type was given."""
        models = []
        seen: set[str] = set()
        for path, item in self.items("models", value):
            found = self._model(path, item, typed=typed)
            if found is None:
                continue
            if found[0].id in seen:
                self.refuse(f"{path}.id", found[0].id, "must not name two models; give one another id")
            seen.add(found[0].id)
            models.append(found)
        return tuple(models)

    def _model(self, path: str, item: object, *, typed: bool) -> tuple[ServedModel, Profile | None] | None:
        before = len(self.faults)
        optional = ("id", "latency_ms", "batch_size_max", "queue_max", *BACKEND_FIELDS)
        given = self.fields(path, item, ("name", "slo_ms"), optional)
        slo_ms = self.number(f"{path}.slo_ms", given.get("slo_ms", 1), above=0, most=SLO_MS_MAX)
        queue_max = self.whole(
            f"{path}.queue_max", given.get("queue_max", QUEUE_DEFAULT), least=1, most=QUEUE_MAX
        )
        name = self.text(f"{path}.name", given.get("name", "-"))
        id = self.text(f"{path}.id", given.get("id", name or "-"))
        slo_us = max(1, int(slo_ms * US_PER_MS + 1e-6))
        profile: Profile | None = None
        curve: LatencyCurve | None = None
        if "latency_ms" in given:
            curve, largest = read_curve(self, f"{path}.latency_ms", given["latency_ms"], slo_us)
        elif name and typed:
            profile = self._profile(f"{path}.name", name)
            curve, largest = (profile.curve, profile.batch_size_max) if profile else (None, 1)
        elif name:
            self.refuse(f"{path}.latency_ms", None, "is required where no gpu_type is given")
        tensors = read_tensors_and_backend(self, path, given)
        if curve is None or len(self.faults) > before:
            return None
        if "batch_size_max" in given:
            most = largest if profile or isinstance(curve, TabulatedCurve) else BATCH_SIZE_MAX
            largest = self.whole(f"{path}.batch_size_max", given["batch_size_max"], least=1, most=most)
        self._slo_can_be_kept(path, slo_us, curve)
        latency_us = tuple(int(us) for us in curve.table_us(max(1, largest)))
        model = ServedModel(id, slo_us, latency_us, queue_max=queue_max, **tensors)
        check_served(self, path, model)
        return model, profile

    def _profile(self, path: str, name: str) -> Profile | None:
        if self._known(path, name, list(self._catalogue.models)) is None or self._gpu_type is None:
            return None
        profile = self._catalogue.profile(name, self._gpu_type)
        if profile is None:
            types = ", ".join(self._catalogue.gpu_types_of(name))
            self.refuse(
                path, name, f"has no profile on {self._gpu_type}, only on {types}; or give latency_ms"
            )
        return profile

    def _known(self, path: str, value: object, names: list[str]) -> str | None:
        if isinstance(value, str) and value in names:
            return value
        near = difflib.get_close_matches(value, names, 3, 0.5) if isinstance(value, str) else []
        if near:
            limit = f"is not in the catalogue; did you mean {' or '.join(near)}?"
        else:
            more = ", ..." if len(names) > NAMES_SHOWN_MAX else ""
            limit = f"must be one of the catalogue's: {', '.join(names[:NAMES_SHOWN_MAX])}{more}"
        self.refuse(path, value, limit)
        return None

    def _slo_can_be_kept(self, path: str, slo_us: int, curve: LatencyCurve) -> None:
        least_us = self._delays.lead_us(1) + curve.latency_us(1) + self._delays.resp_us
        if slo_us < least_us:
            limit = f"must be at least {least_us / US_PER_MS:g}: a batch of one and the delays take that long"
            self.refuse(f"{path}.slo_ms", slo_us / US_PER_MS, limit)

    def _memory_fits(self, models: tuple[tuple[ServedModel, Profile | None], ...]) -> None:
        """Every GPU holds all models, and the workspace of the largest batch."""
        profiles: list[tuple[ServedModel, Profile]] = [(m, p) for m, p in models if p is not None]
        if not profiles or self._gpu_type is None:
            return
        weights = sum(profile.weights_gib for _, profile in profiles)
        workspace = max(p.workspace_gib_per_item * (len(m.latency_us) - 1) for m, p in profiles)
        usable = self._catalogue.gpu_types[self._gpu_type].usable_gib
        if weights + workspace > usable:
            found = f"{weights:.2f} GiB of weights and {workspace:.2f} GiB of workspace"
            self.refuse("models", found, f"must fit a {self._gpu_type}'s {usable:g} GiB")


def summary(try_out: TryOut) -> list[dict[str, Any]]:
    """One row for each model: its SLO, largest batch, and what one GPU serves at most."""
    rows = []
    for model in try_out.spec.models:
        sizes = range(1, len(model.latency_us))
        rate_rps = max(size / model.latency_us[size] * 1e6 for size in sizes)
        rows.append(
            {
                "id": model.id,
                "slo_ms": model.slo_us / US_PER_MS,
                "batch_size_max": len(model.latency_us) - 1,
                "gpu_rps_max": round(rate_rps, 1),
            }
        )
    return rows
