"""Repository of facts: GPU types, pools, models, profiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from planner.problem.problem import GpuType, Pool
from planner.store.profile_versions import versioned
from planner.store.records import RegisteredModel, RegisteredProfile, Upserted
from planner.store.tables import GpuTypeRow, ModelRow, PoolRow, ProfileRow
from planner.store.upserts import upsert


class RegistryRepository:
    """
    Writes replace what has the same identity; reads come in the order of the identity.

    Pools are the fleet's own; all else is shared by all fleets.
    """

    def __init__(self, session: Session, now: datetime, fleet: str) -> None:
        self._session = session
        self._now = now
        self._fleet = fleet

    # -- GPU types

    def put_gpu_types(self, gpu_types: Sequence[GpuType]) -> Upserted:
        known = self.gpu_type_ids()
        upsert(self._session, GpuTypeRow, [self._stamped(asdict(g)) for g in gpu_types])
        return _split([g.id for g in gpu_types], known)

    def gpu_types(self) -> list[GpuType]:
        return [_gpu_type(row) for row in self._session.scalars(select(GpuTypeRow).order_by(GpuTypeRow.id))]

    def gpu_type(self, gpu_type_id: str) -> GpuType | None:
        row = self._session.get(GpuTypeRow, gpu_type_id)
        return None if row is None else _gpu_type(row)

    def gpu_type_ids(self) -> set[str]:
        return set(self._session.scalars(select(GpuTypeRow.id)))

    # -- pools

    def put_pools(self, pools: Sequence[Pool]) -> Upserted:
        known = {pool.id for pool in self.pools()}
        upsert(self._session, PoolRow, [self._stamped({"fleet": self._fleet, **asdict(p)}) for p in pools])
        return _split([p.id for p in pools], known)

    def pools(self) -> list[Pool]:
        query = select(PoolRow).where(PoolRow.fleet == self._fleet).order_by(PoolRow.gpu_type, PoolRow.zone)
        return [_pool(row) for row in self._session.scalars(query)]

    def pool(self, gpu_type: str, zone: str) -> Pool | None:
        row = self._session.get(PoolRow, (self._fleet, gpu_type, zone))
        return None if row is None else _pool(row)

    # -- models

    def put_models(self, models: Sequence[RegisteredModel]) -> Upserted:
        known = self.model_ids()
        upsert(self._session, ModelRow, [self._stamped(asdict(m)) for m in models])
        return _split([m.id for m in models], known)

    def models(self) -> list[RegisteredModel]:
        return [_model(row) for row in self._session.scalars(select(ModelRow).order_by(ModelRow.id))]

    def model(self, model_id: str) -> RegisteredModel | None:
        row = self._session.get(ModelRow, model_id)
        return None if row is None else _model(row)

    def model_ids(self) -> set[str]:
        return set(self._session.scalars(select(ModelRow.id)))

    # -- profiles

    def put_profiles(
        self,
        profiles: Sequence[RegisteredProfile],
        *,
        measured_since: datetime | None = None,
        proposal_id: int | None = None,
    ) -> Upserted:
        """
        Each that says something new is a new version, which ``measured_since`` and ``proposal_id`` explain.
        """
        keys = self._session.execute(select(ProfileRow.model, ProfileRow.gpu_type))
        known = {profile_id(model, gpu_type) for model, gpu_type in keys}
        versions = versioned(
            self._session, self._now, profiles, measured_since=measured_since, proposal_id=proposal_id
        )
        rows = [asdict(p) | {"version": versions[p.model, p.gpu_type]} for p in profiles]
        upsert(self._session, ProfileRow, [self._stamped(row) for row in rows])
        return _split([profile_id(p.model, p.gpu_type) for p in profiles], known)

    def profiles(self, *, model: str | None = None, gpu_type: str | None = None) -> list[RegisteredProfile]:
        query = select(ProfileRow).order_by(ProfileRow.model, ProfileRow.gpu_type)
        if model is not None:
            query = query.where(ProfileRow.model == model)
        if gpu_type is not None:
            query = query.where(ProfileRow.gpu_type == gpu_type)
        return [_profile(row) for row in self._session.scalars(query)]

    def _stamped(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {**values, "updated_at": self._now}


def profile_id(model: str, gpu_type: str) -> str:
    return f"{model}@{gpu_type}"


def _split(ids: Sequence[str], known: set[str]) -> Upserted:
    return Upserted(tuple(i for i in ids if i not in known), tuple(i for i in ids if i in known))


def _gpu_type(row: GpuTypeRow) -> GpuType:
    return GpuType(row.id, row.memory_gib, row.reserve_gib, row.price_usd_per_hour)


def _pool(row: PoolRow) -> Pool:
    return Pool(row.gpu_type, row.zone, row.available)


def _model(row: ModelRow) -> RegisteredModel:
    return RegisteredModel(row.id, row.slo_ms, row.priority, dict(row.serving))


def _profile(row: ProfileRow) -> RegisteredProfile:
    return RegisteredProfile(
        model=row.model,
        gpu_type=row.gpu_type,
        curve=dict(row.curve),
        weights_gib=row.weights_gib,
        workspace_gib_per_item=row.workspace_gib_per_item,
        batch_size_max=row.batch_size_max,
        source=row.source,
        version=row.version,
    )
