"""Repository of facts: GPU types, pools, models, profiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, select
from sqlalchemy.orm import Session

from planner.problem.problem import GpuType, Pool
from planner.store.filters import named, page_by
from planner.store.profile_versions import versioned
from planner.store.records import RegisteredModel, RegisteredProfile, Upserted
from planner.store.tables import GpuTypeRow, ModelRow, PoolRow, ProfileRow, table_of
from planner.store.upserts import upsert

GPU_TYPES, MODELS, POOLS, PROFILES = (table_of(row) for row in (GpuTypeRow, ModelRow, PoolRow, ProfileRow))


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

    def gpu_types(
        self, *, name: str | None = None, after: str | None = None, limit: int | None = None
    ) -> list[GpuType]:
        query = page_by(named(select(GPU_TYPES), GPU_TYPES.c.id, name), [GPU_TYPES.c.id], [after], limit)
        return [_gpu_type(row) for row in self._session.execute(query)]

    def gpu_type(self, gpu_type_id: str, *, for_change: bool = False) -> GpuType | None:
        row = self._session.get(GpuTypeRow, gpu_type_id, with_for_update=for_change or None)
        return None if row is None else _gpu_type(row)

    def delete_gpu_type(self, gpu_type_id: str) -> None:
        self._session.execute(delete(GpuTypeRow).where(GpuTypeRow.id == gpu_type_id))

    def gpu_type_ids(self) -> set[str]:
        return set(self._session.scalars(select(GpuTypeRow.id)))

    # -- pools

    def put_pools(self, pools: Sequence[Pool]) -> Upserted:
        known = {pool.id for pool in self.pools()}
        upsert(self._session, PoolRow, [self._stamped({"fleet": self._fleet, **asdict(p)}) for p in pools])
        return _split([p.id for p in pools], known)

    def pools(
        self,
        *,
        gpu_type: str | None = None,
        zone: str | None = None,
        after: tuple[str, str] | None = None,
        limit: int | None = None,
    ) -> list[Pool]:
        own = POOLS.c
        query = select(POOLS).where(own.fleet == self._fleet)
        if gpu_type is not None:
            query = query.where(own.gpu_type == gpu_type)
        if zone is not None:
            query = query.where(own.zone == zone)
        query = page_by(query, [own.gpu_type, own.zone], after or (None, None), limit)
        return [_pool(row) for row in self._session.execute(query)]

    def pool(self, gpu_type: str, zone: str, *, for_change: bool = False) -> Pool | None:
        key = (self._fleet, gpu_type, zone)
        row = self._session.get(PoolRow, key, with_for_update=for_change or None)
        return None if row is None else _pool(row)

    def delete_pool(self, gpu_type: str, zone: str) -> None:
        key = (PoolRow.fleet == self._fleet, PoolRow.gpu_type == gpu_type, PoolRow.zone == zone)
        self._session.execute(delete(PoolRow).where(*key))

    # -- models

    def put_models(self, models: Sequence[RegisteredModel]) -> Upserted:
        known = self.model_ids()
        upsert(self._session, ModelRow, [self._stamped(asdict(m)) for m in models])
        return _split([m.id for m in models], known)

    def models(
        self, *, name: str | None = None, after: str | None = None, limit: int | None = None
    ) -> list[RegisteredModel]:
        query = page_by(named(select(MODELS), MODELS.c.id, name), [MODELS.c.id], [after], limit)
        return [_model(row) for row in self._session.execute(query)]

    def model(self, model_id: str, *, for_change: bool = False) -> RegisteredModel | None:
        row = self._session.get(ModelRow, model_id, with_for_update=for_change or None)
        return None if row is None else _model(row)

    def delete_model(self, model_id: str) -> None:
        self._session.execute(delete(ModelRow).where(ModelRow.id == model_id))

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

    def profiles(
        self,
        *,
        model: str | None = None,
        gpu_type: str | None = None,
        after: tuple[str, str] | None = None,
        limit: int | None = None,
    ) -> list[RegisteredProfile]:
        own = PROFILES.c
        query = select(PROFILES)
        if model is not None:
            query = query.where(own.model == model)
        if gpu_type is not None:
            query = query.where(own.gpu_type == gpu_type)
        query = page_by(query, [own.model, own.gpu_type], after or (None, None), limit)
        return [_profile(row) for row in self._session.execute(query)]

    def profile(self, model: str, gpu_type: str, *, for_change: bool = False) -> RegisteredProfile | None:
        key = (model, gpu_type)
        row = self._session.get(ProfileRow, key, with_for_update=for_change or None, populate_existing=True)
        return None if row is None else _profile(row)

    def delete_profile(self, model: str, gpu_type: str) -> None:
        key = (ProfileRow.model == model, ProfileRow.gpu_type == gpu_type)
        self._session.execute(delete(ProfileRow).where(*key))

    def _stamped(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {**values, "updated_at": self._now}


def profile_id(model: str, gpu_type: str) -> str:
    return f"{model}@{gpu_type}"


def _split(ids: Sequence[str], known: set[str]) -> Upserted:
    return Upserted(tuple(i for i in ids if i not in known), tuple(i for i in ids if i in known))


def _gpu_type(row: GpuTypeRow | Row[Any]) -> GpuType:
    return GpuType(row.id, row.memory_gib, row.reserve_gib, row.price_usd_per_hour)


def _pool(row: PoolRow | Row[Any]) -> Pool:
    return Pool(row.gpu_type, row.zone, row.available)


def _model(row: ModelRow | Row[Any]) -> RegisteredModel:
    return RegisteredModel(row.id, row.slo_ms, row.priority, dict(row.serving))


def _profile(row: ProfileRow | Row[Any]) -> RegisteredProfile:
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
