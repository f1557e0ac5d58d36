"""Submit and look up facts: GPU types, pools, models, profiles; what has the same identity is replaced."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from planner.problem.problem import GpuType, Pool
from planner.service.errors import GpuTypeNotFound, ModelNotFound, PoolNotFound, ProfileNotFound
from planner.service.submission import Submission
from planner.store.records import RegisteredModel, RegisteredProfile, Upserted
from planner.store.store import Store, UnitOfWork

AUDITED_IDS_MAX = 100  # a bulk submission's audit entry names this many, and counts them all


def submit_gpu_types(store: Store, submission: Submission[GpuType], *, actor: str) -> Upserted:
    with store.writing() as work:
        entries = submission.accepted({})
        return _recorded(work, work.registry.put_gpu_types(entries), "gpu-types", actor)


def submit_pools(store: Store, submission: Submission[Pool], *, actor: str) -> Upserted:
    with store.writing() as work:
        entries = submission.accepted({"gpu_type": work.registry.gpu_type_ids()})
        return _recorded(work, work.registry.put_pools(entries), "pools", actor)


def submit_models(store: Store, submission: Submission[RegisteredModel], *, actor: str) -> Upserted:
    with store.writing() as work:
        entries = submission.accepted({})
        return _recorded(work, work.registry.put_models(entries), "models", actor)


def submit_profiles(store: Store, submission: Submission[RegisteredProfile], *, actor: str) -> Upserted:
    with store.writing() as work:
        known = {"model": work.registry.model_ids(), "gpu_type": work.registry.gpu_type_ids()}
        entries = submission.accepted(known)
        return _recorded(work, work.registry.put_profiles(entries), "profiles", actor)


def gpu_types(store: Store) -> list[GpuType]:
    with store.reading() as work:
        return work.registry.gpu_types()


def gpu_type(store: Store, gpu_type_id: str) -> GpuType:
    with store.reading() as work:
        found = work.registry.gpu_type(gpu_type_id)
    if found is None:
        raise GpuTypeNotFound(gpu_type_id)
    return found


def pools(store: Store) -> list[Pool]:
    with store.reading() as work:
        return work.registry.pools()


def pool(store: Store, gpu_type_id: str, zone: str) -> Pool:
    with store.reading() as work:
        found = work.registry.pool(gpu_type_id, zone)
    if found is None:
        raise PoolNotFound(gpu_type_id, zone)
    return found


def models(store: Store) -> list[RegisteredModel]:
    with store.reading() as work:
        return work.registry.models()


def model(store: Store, model_id: str) -> RegisteredModel:
    with store.reading() as work:
        found = work.registry.model(model_id)
    if found is None:
        raise ModelNotFound(model_id)
    return found


def profiles(
    store: Store, *, model_id: str | None = None, gpu_type_id: str | None = None
) -> list[RegisteredProfile]:
    with store.reading() as work:
        return work.registry.profiles(model=model_id, gpu_type=gpu_type_id)


def profile(store: Store, model_id: str, gpu_type_id: str) -> RegisteredProfile:
    found = profiles(store, model_id=model_id, gpu_type_id=gpu_type_id)
    if not found:
        raise ProfileNotFound(model_id, gpu_type_id)
    return found[0]


def _recorded(work: UnitOfWork, upserted: Upserted, subject: str, actor: str) -> Upserted:
    details: dict[str, Any] = {
        name: {"count": len(ids), "ids": ids[:AUDITED_IDS_MAX]} for name, ids in asdict(upserted).items()
    }
    work.audit.add(actor=actor, action="registry.submitted", subject=subject, **details)
    return upserted
