"""Submit, look up, change and delete facts: GPU types, pools, models, profiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from planner.problem.problem import GpuType, Pool
from planner.service.errors import (
    GpuTypeNotFound,
    ModelNotFound,
    PoolNotFound,
    PreconditionRequired,
    ProfileNotFound,
    StillUsed,
)
from planner.service.preconditions import NO_PRECONDITION, Precondition
from planner.service.submission import Submission
from planner.store.records import RegisteredModel, RegisteredProfile, Upserted
from planner.store.registry_use import Use
from planner.store.store import Store, UnitOfWork

AUDITED_IDS_MAX = 100  # a bulk submission's audit entry names this many, and counts them all
UNSEEN_NAMED_MAX = 20


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A model with those of its profiles that come along; its other profiles stay as they are."""

    model: RegisteredModel
    profiles: tuple[RegisteredProfile, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelsUpserted:
    """What a submission of models did to models, and to profiles."""

    models: Upserted
    profiles: Upserted


def submit_gpu_types(
    store: Store, submission: Submission[GpuType], *, actor: str, given: Precondition = NO_PRECONDITION
) -> Upserted:
    """Create or replace, all or nothing; of one entry, ``given`` must hold of what it replaces."""
    with store.writing() as work:
        entries = submission.accepted({})
        if given != NO_PRECONDITION and len(entries) == 1:
            found = work.registry.gpu_type(entries[0].id, for_change=True)
            given.check(f"GPU type {entries[0].id!r}", found)
        return _recorded(work, work.registry.put_gpu_types(entries), "gpu-types", actor, given)


def submit_pools(
    store: Store, submission: Submission[Pool], *, actor: str, given: Precondition = NO_PRECONDITION
) -> Upserted:
    """As ``submit_gpu_types``; GPU types must be registered."""
    with store.writing() as work:
        entries = submission.accepted({"gpu_type": work.registry.gpu_type_ids()})
        if given != NO_PRECONDITION and len(entries) == 1:
            pool = entries[0]
            given.check(f"pool {pool.id!r}", work.registry.pool(pool.gpu_type, pool.zone, for_change=True))
        return _recorded(work, work.registry.put_pools(entries), "pools", actor, given)


def submit_models(
    store: Store, submission: Submission[ModelEntry], *, actor: str, given: Precondition = NO_PRECONDITION
) -> ModelsUpserted:
    """As ``submit_gpu_types``; profiles that come along are created or replaced with their models."""
    with store.writing() as work:
        has_gpu_types = any(reference.kind == "gpu_type" for reference in submission.references)
        entries = submission.accepted({"gpu_type": work.registry.gpu_type_ids()} if has_gpu_types else {})
        if given != NO_PRECONDITION and len(entries) == 1:
            name = entries[0].model.id
            given.check(f"model {name!r}", work.registry.model(name, for_change=True))
        models = work.registry.put_models([entry.model for entry in entries])
        _recorded(work, models, "models", actor, given)
        rows = [profile for entry in entries for profile in entry.profiles]
        profiles = work.registry.put_profiles(rows) if rows else Upserted((), ())
        if rows:
            _recorded(work, profiles, "profiles", actor, given)
        return ModelsUpserted(models, profiles)


def submit_profiles(
    store: Store,
    submission: Submission[RegisteredProfile],
    *,
    actor: str,
    given: Precondition = NO_PRECONDITION,
) -> Upserted:
    """As ``submit_gpu_types``; models and GPU types must be registered."""
    with store.writing() as work:
        return _submitted_profiles(work, submission, actor, given)[0]


def put_profile(
    store: Store, submission: Submission[RegisteredProfile], *, actor: str, given: Precondition
) -> tuple[RegisteredProfile, bool]:
    """``submit_profiles`` of one: as it is now stored, and whether there was none before."""
    with store.writing() as work:
        done, (entry,) = _submitted_profiles(work, submission, actor, given)
        return _profile(work, entry.model, entry.gpu_type), bool(done.created)


def _submitted_profiles(
    work: UnitOfWork, submission: Submission[RegisteredProfile], actor: str, given: Precondition
) -> tuple[Upserted, tuple[RegisteredProfile, ...]]:
    known = {"model": work.registry.model_ids(), "gpu_type": work.registry.gpu_type_ids()}
    entries = submission.accepted(known)
    if given != NO_PRECONDITION and len(entries) == 1:
        model, gpu_type = entries[0].model, entries[0].gpu_type
        found = work.registry.profile(model, gpu_type, for_change=True)
        given.check(f"profile {model}/{gpu_type}", found)
    return _recorded(work, work.registry.put_profiles(entries), "profiles", actor, given), entries


def gpu_types(
    store: Store, *, name: str | None = None, after: str | None = None, limit: int | None = None
) -> list[GpuType]:
    with store.reading() as work:
        return work.registry.gpu_types(name=name, after=after, limit=limit)


def gpu_type(store: Store, gpu_type_id: str) -> GpuType:
    with store.reading() as work:
        return _gpu_type(work, gpu_type_id)


def delete_gpu_type(
    store: Store, gpu_type_id: str, *, actor: str, given: Precondition = NO_PRECONDITION
) -> None:
    """Raises ``GpuTypeNotFound``, ``StillUsed``, ``PreconditionFailed``, ``PreconditionRequired``."""
    with store.writing() as work:
        found = _gpu_type(work, gpu_type_id, for_change=True)
        subject = f"GPU type {gpu_type_id!r}"
        given.check(subject, found)
        _require_unused(subject, work.registry_use.of_gpu_type(gpu_type_id))
        work.registry.delete_gpu_type(gpu_type_id)
        _audit_deletion(work, actor, "gpu-types", gpu_type_id)


def pools(
    store: Store,
    *,
    gpu_type: str | None = None,
    zone: str | None = None,
    after: tuple[str, str] | None = None,
    limit: int | None = None,
) -> list[Pool]:
    with store.reading() as work:
        return work.registry.pools(gpu_type=gpu_type, zone=zone, after=after, limit=limit)


def pool(store: Store, gpu_type_id: str, zone: str) -> Pool:
    with store.reading() as work:
        return _pool(work, gpu_type_id, zone)


def delete_pool(
    store: Store, gpu_type_id: str, zone: str, *, actor: str, given: Precondition = NO_PRECONDITION
) -> None:
    """Raises ``PoolNotFound``, ``StillUsed``, ``PreconditionFailed``, ``PreconditionRequired``."""
    with store.writing() as work:
        found = _pool(work, gpu_type_id, zone, for_change=True)
        given.check(f"pool {found.id!r}", found)
        _require_unused(f"pool {found.id!r}", work.registry_use.of_pool(gpu_type_id, zone))
        work.registry.delete_pool(gpu_type_id, zone)
        _audit_deletion(work, actor, "pools", found.id)


def models(
    store: Store, *, name: str | None = None, after: str | None = None, limit: int | None = None
) -> list[RegisteredModel]:
    with store.reading() as work:
        return work.registry.models(name=name, after=after, limit=limit)


def model(store: Store, model_id: str) -> RegisteredModel:
    with store.reading() as work:
        return _model(work, model_id)


def delete_model(store: Store, model_id: str, *, actor: str, given: Precondition = NO_PRECONDITION) -> None:
    """Raises ``ModelNotFound``, ``StillUsed``, ``PreconditionFailed``, ``PreconditionRequired``."""
    with store.writing() as work:
        found = _model(work, model_id, for_change=True)
        given.check(f"model {model_id!r}", found)
        _require_unused(f"model {model_id!r}", work.registry_use.of_model(model_id))
        work.registry.delete_model(model_id)
        _audit_deletion(work, actor, "models", model_id)


def profiles(
    store: Store,
    *,
    model_id: str | None = None,
    gpu_type_id: str | None = None,
    after: tuple[str, str] | None = None,
    limit: int | None = None,
) -> list[RegisteredProfile]:
    with store.reading() as work:
        return work.registry.profiles(model=model_id, gpu_type=gpu_type_id, after=after, limit=limit)


def profile(store: Store, model_id: str, gpu_type_id: str) -> RegisteredProfile:
    with store.reading() as work:
        return _profile(work, model_id, gpu_type_id)


def delete_profile(
    store: Store, model_id: str, gpu_type_id: str, *, actor: str, given: Precondition = NO_PRECONDITION
) -> None:
    """Raises ``ProfileNotFound``, ``StillUsed``, ``PreconditionFailed``, ``PreconditionRequired``."""
    with store.writing() as work:
        found = _profile(work, model_id, gpu_type_id, for_change=True)
        subject = f"profile {model_id}/{gpu_type_id}"
        given.check(subject, found)
        _require_unused(subject, work.registry_use.of_profile(model_id, gpu_type_id))
        work.registry.delete_profile(model_id, gpu_type_id)
        _audit_deletion(work, actor, "profiles", f"{model_id}/{gpu_type_id}")


def _gpu_type(work: UnitOfWork, gpu_type_id: str, *, for_change: bool = False) -> GpuType:
    found = work.registry.gpu_type(gpu_type_id, for_change=for_change)
    if found is None:
        raise GpuTypeNotFound(gpu_type_id)
    return found


def _pool(work: UnitOfWork, gpu_type_id: str, zone: str, *, for_change: bool = False) -> Pool:
    found = work.registry.pool(gpu_type_id, zone, for_change=for_change)
    if found is None:
        raise PoolNotFound(gpu_type_id, zone)
    return found


def _model(work: UnitOfWork, model_id: str, *, for_change: bool = False) -> RegisteredModel:
    found = work.registry.model(model_id, for_change=for_change)
    if found is None:
        raise ModelNotFound(model_id)
    return found


def _profile(
    work: UnitOfWork, model_id: str, gpu_type_id: str, *, for_change: bool = False
) -> RegisteredProfile:
    found = work.registry.profile(model_id, gpu_type_id, for_change=for_change)
    if found is None:
        raise ProfileNotFound(model_id, gpu_type_id)
    return found


def _require_unused(subject: str, users: Sequence[Use]) -> None:
    if users:
        raise StillUsed(subject, [str(use) for use in users])


def _recorded(
    work: UnitOfWork, upserted: Upserted, subject: str, actor: str, given: Precondition
) -> Upserted:
    if given.is_required and given.tags is None and upserted.updated:
        raise PreconditionRequired(upserted.updated[:UNSEEN_NAMED_MAX])
    details: dict[str, Any] = {
        name: {"count": len(ids), "ids": ids[:AUDITED_IDS_MAX]} for name, ids in asdict(upserted).items()
    }
    work.audit.add(actor=actor, action="registry.submitted", subject=subject, **details)
    return upserted


def _audit_deletion(work: UnitOfWork, actor: str, kind: str, name: str) -> None:
    work.audit.add(actor=actor, action="registry.deleted", subject=f"{kind}/{name}"[:200])
