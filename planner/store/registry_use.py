"""Who still uses a registered thing: other facts, forecasts, plans in force."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from planner.store.tables import ActivationRow, ForecastModelRow, ForecastRow, PlanRow, PoolRow, ProfileRow

NAMED_MAX = 20  # of each kind: a refusal is read by a person


@dataclass(frozen=True, slots=True)
class Use:
    """``kind``: profile, pool, forecast or active plan; ``name``: its id, and its fleet where it has one."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class RegistryUse:
    """Looks over all fleets: models, GPU types and profiles are shared by them."""

    def __init__(self, session: Session, fleet: str) -> None:
        self._session = session
        self._fleet = fleet

    def of_gpu_type(self, gpu_type: str) -> list[Use]:
        pools = select(PoolRow.fleet, PoolRow.gpu_type, PoolRow.zone).where(PoolRow.gpu_type == gpu_type)
        found = [
            Use("pool", f"{name}/{zone} of fleet {fleet}")
            for fleet, name, zone in self._session.execute(pools.limit(NAMED_MAX))
        ]
        return [*found, *self._profiles(gpu_type=gpu_type)]

    def of_model(self, model: str) -> list[Use]:
        forecasts = (
            select(ForecastRow.id, ForecastRow.fleet)
            .join(ForecastModelRow, ForecastModelRow.forecast_id == ForecastRow.id)
            .where(ForecastModelRow.model == model)
            .order_by(ForecastRow.id.desc())
            .limit(NAMED_MAX)
        )
        named = [Use("forecast", f"{i} of fleet {fleet}") for i, fleet in self._session.execute(forecasts)]
        return [*self._profiles(model=model), *named, *self._plans(model=model)]

    def of_profile(self, model: str, gpu_type: str) -> list[Use]:
        return list(self._plans(model=model, gpu_type=gpu_type))

    def of_pool(self, gpu_type: str, zone: str) -> list[Use]:
        return list(self._plans(gpu_type=gpu_type, zone=zone, fleet=self._fleet))

    def _profiles(self, *, model: str | None = None, gpu_type: str | None = None) -> Iterator[Use]:
        query = select(ProfileRow.model, ProfileRow.gpu_type).limit(NAMED_MAX)
        query = query.where(
            ProfileRow.model == model if gpu_type is None else ProfileRow.gpu_type == gpu_type
        )
        for name, kind in self._session.execute(query):
            yield Use("profile", f"{name}/{kind}")

    def _plans(
        self,
        *,
        model: str | None = None,
        gpu_type: str | None = None,
        zone: str | None = None,
        fleet: str | None = None,
    ) -> Iterator[Use]:
        """Plans in force with a sub-cluster of that GPU type and zone that serves that model."""
        query = (
            select(PlanRow.version, PlanRow.fleet, PlanRow.document)
            .join(ActivationRow, ActivationRow.plan_version == PlanRow.version)
            .where(ActivationRow.deactivated_at.is_(None))
            .order_by(PlanRow.version)
        )
        if fleet is not None:
            query = query.where(PlanRow.fleet == fleet)
        for version, whose, document in self._session.execute(query):
            if any(
                (gpu_type is None or cluster["gpu_type"] == gpu_type)
                and (zone is None or cluster["zone"] == zone)
                and (model is None or any(placed["id"] == model for placed in cluster["models"]))
                for cluster in document["sub_clusters"]
            ):
                yield Use("active plan", f"{version} of fleet {whose}")
