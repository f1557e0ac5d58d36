"""The catalogue: GPU types, models and their profiles as shipped with the package."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from profiles.gpu_types import GpuType
from profiles.latency import AffineCurve, LatencyCurve, TabulatedCurve
from profiles.memory import Precision
from profiles.profile import Profile, Provenance, ProvenanceKind


@dataclass(frozen=True, slots=True)
class Source:
    """Where published numbers were taken from; ``folder`` holds its SOURCE.txt and licence text."""

    id: str
    title: str
    repository: str
    commit: str
    licence: str
    folder: str


@dataclass(frozen=True, slots=True)
class CatalogueModel:
    """
    A network as published: what every profile of it has in common.

    Parameters
    ----------
    kind
        ``vision`` or ``language``.
    input
        Shape of one request, as in ``image 224x224`` or ``128 tokens``.
    parameters_m
        Millions of parameters.
    workspace_rule
        How the profiles' workspace was estimated, with the figures that went in.
    """

    id: str
    kind: str
    input: str
    parameters_m: float
    parameters_source: str
    workspace_rule: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """
    Everything the package knows about models and GPU types.

    Iterating ``models`` or ``gpu_types`` gives their ids, in the order of the alphabet.
    """

    models: Mapping[str, CatalogueModel]
    gpu_types: Mapping[str, GpuType]
    sources: Mapping[str, Source]
    profiles: Mapping[tuple[str, str], Profile]

    def profile(self, model: str, gpu_type: str) -> Profile | None:
        """The profile of ``model`` on ``gpu_type``; None if there is none."""
        return self.profiles.get((model, gpu_type))

    def gpu_types_of(self, model: str) -> tuple[str, ...]:
        """The GPU types that ``model`` has a profile on."""
        return tuple(gpu_type for gpu_type in self.gpu_types if (model, gpu_type) in self.profiles)

    def models_on(self, gpu_type: str) -> tuple[str, ...]:
        """The models that have a profile on ``gpu_type``."""
        return tuple(model for model in self.models if (model, gpu_type) in self.profiles)


@cache
def load_catalogue() -> Catalogue:
    """The shipped catalogue; read once, then the same object."""
    sources = {row["source"]: _source(row) for row in _rows("sources.csv")}
    gpu_types = {row["gpu_type"]: _gpu_type(row) for row in _rows("gpu_types.csv")}
    models = {row["model"]: _model(row) for row in _rows("models.csv")}
    profiles = {(row["model"], row["gpu_type"]): _profile(row, sources) for row in _rows("profiles.csv")}
    return Catalogue(models, gpu_types, sources, profiles)


def _rows(name: str) -> list[dict[str, str]]:
    text = resources.files("profiles").joinpath("data", name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def _source(row: Mapping[str, str]) -> Source:
    return Source(
        row["source"], row["title"], row["repository"], row["commit"], row["licence"], row["folder"]
    )


def _gpu_type(row: Mapping[str, str]) -> GpuType:
    return GpuType(
        id=row["gpu_type"],
        memory_gib=float(row["memory_gib"]),
        reserve_gib=float(row["reserve_gib"]),
        price_usd_per_hour=float(row["price_usd_per_hour"]),
        price_source=row["price_source"],
        memory_source=row["memory_source"],
    )


def _model(row: Mapping[str, str]) -> CatalogueModel:
    return CatalogueModel(
        id=row["model"],
        kind=row["kind"],
        input=row["input"],
        parameters_m=float(row["parameters_m"]),
        parameters_source=row["parameters_source"],
        workspace_rule=row["workspace_rule"],
    )


def _profile(row: Mapping[str, str], sources: Mapping[str, Source]) -> Profile:
    source = sources[row["source"]]
    points = _points(row["points_ms"])
    return Profile(
        model=row["model"],
        gpu_type=row["gpu_type"],
        curve=_curve(row),
        weights_gib=float(row["weights_gib"]),
        workspace_gib_per_item=float(row["workspace_gib_per_item"]),
        batch_size_max=int(row["batch_size_max"]),
        load_time_s=float(row["load_time_s"]),
        mape=float(row["mape"]),
        points=points,
        provenance=Provenance(
            kind=ProvenanceKind.PUBLISHED,
            source=f"{source.repository} {row['path']}",
            revision=source.commit,
            licence=row["licence"],
            measured_on=row["measured_on"],
            engine=row["engine"],
            precision=Precision(row["precision"]),
        ),
    )


def _curve(row: Mapping[str, str]) -> LatencyCurve:
    if row["alpha_ms"]:
        return AffineCurve(_us(row["alpha_ms"]), _us(row["beta_ms"]))
    knots = _points(row["table_ms"])
    return TabulatedCurve(tuple(b for b, _ in knots), tuple(us for _, us in knots))


def _points(text: str) -> tuple[tuple[int, float], ...]:
    """``"1:2.5 8:9"`` in milliseconds as ((1, 2500.0), (8, 9000.0)) in microseconds."""
    pairs = (item.split(":") for item in text.split())
    return tuple((int(batch_size), _us(latency_ms)) for batch_size, latency_ms in pairs)


def _us(milliseconds: str) -> float:
    return round(float(milliseconds) * 1_000, 6)
