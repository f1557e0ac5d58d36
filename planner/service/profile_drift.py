"""Find profiles that measurements contradict, propose corrections, and decide on them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from planner.demand.load_frame import LoadFrame, instant_at, instant_us
from planner.demand.profile_drift import Drift, DriftRule, drift
from planner.service.errors import (
    PlanNotFound,
    ProfileNotFound,
    ProposalDecided,
    ProposalNotFound,
    ProposalStale,
)
from planner.service.preconditions import NO_PRECONDITION, Precondition
from planner.store.records import (
    NewProposal,
    ProfileProposal,
    ProfileVersion,
    ProposalState,
    RegisteredProfile,
)
from planner.store.store import Store, UnitOfWork
from profiles.latency import AffineCurve, LatencyCurve, TabulatedCurve

WINDOW = timedelta(hours=24)
"""Measurements older than that say nothing of how a model executes today."""

POLICY_KEY = "profile_drift"
ACCEPT, PROPOSE = "accept", "propose"
BY_POLICY = "policy"
RATIO_NEWS = 0.02
"""
An open proposal gives way to one whose ratio differs by more than that share; so does a rejected one at the
rule's own error.
"""
MS_DIGITS = 9


@dataclass(frozen=True, slots=True)
class FoundDrift:
    """A profile that has drifted."""

    profile: RegisteredProfile
    drift: Drift


def drifts(store: Store, *, rule: DriftRule | None = None) -> list[FoundDrift]:
    """
    Profiles that the fleet's measurements of the last day contradict, by model and GPU type; nothing is
    changed.
    """
    with store.reading() as work:
        since = work.now - WINDOW
        versions = {(v.model, v.gpu_type, v.version): v for v in work.profiles.versions()}
        by_model: dict[str, list[RegisteredProfile]] = {}
        for profile in work.registry.profiles():
            by_model.setdefault(profile.model, []).append(profile)
        found = []
        for model, profiles in by_model.items():
            frame = work.observed.frame(models=[model], since=since, latencies=True)
            for profile in profiles:
                version = versions[profile.model, profile.gpu_type, profile.version]
                part = _measured_on(work, frame, profile.gpu_type, version.measured_since)
                shown = drift(part, curve_of(profile.curve), profile.batch_size_max, rule)
                if shown is not None:
                    found.append(FoundDrift(profile, shown))
    return found


def _measured_on(work: UnitOfWork, frame: LoadFrame, gpu_type: str, since: datetime) -> LoadFrame:
    """The part of ``frame`` that comes from sub-clusters of that GPU type, from ``since`` on."""
    of_type = np.array(
        [work.observed.gpu_type(source) == gpu_type for source in frame.sources], dtype=np.bool_
    )
    if not len(frame):
        return frame
    return frame.where(of_type[frame.source] & (frame.start_us >= instant_us(since)))


def propose(store: Store, *, rule: DriftRule | None = None) -> list[ProfileProposal]:
    """
    Look for drift and write down what is new, once for any number of servers.

    A profile whose open proposal says the same, or whose last one was rejected and says the same, is left
    alone. Where the fleet's policy has ``profile_drift`` "accept", proposals are accepted at once. Returns
    the new proposals.
    """
    rule = rule or DriftRule()
    new = []
    for found in drifts(store, rule=rule):
        with store.writing() as work:
            proposal = _propose(work, found, rule)
            if proposal is not None:
                if _policy(work) == ACCEPT:
                    proposal = _accept(work, proposal, actor=BY_POLICY, note=None)
                new.append(proposal)
    return new


def _propose(work: UnitOfWork, found: FoundDrift, rule: DriftRule) -> ProfileProposal | None:
    profile, shown = found.profile, found.drift
    if work.profiles.lock(profile.model, profile.gpu_type) != profile.version:
        return None  # it changed while we looked
    last = work.profiles.newest_proposal(profile.model, profile.gpu_type, profile.version)
    if last is not None and last.state in (ProposalState.PROPOSED, ProposalState.REJECTED):
        news = RATIO_NEWS if last.state is ProposalState.PROPOSED else rule.error_min
        if math.isclose(last.evidence["overall"]["ratio"], shown.overall.ratio, rel_tol=news):
            return None
    curve, evidence = curve_document(shown.curve), evidence_document(shown)
    proposal = work.profiles.propose(
        NewProposal(profile.model, profile.gpu_type, profile.version, curve, evidence)
    )
    work.audit.add(
        actor="measurements",
        action="profile.proposed",
        subject=f"{profile.model}@{profile.gpu_type}",
        proposal=proposal.id,
        ratio=shown.overall.ratio,
    )
    return proposal


def accept(
    store: Store,
    proposal_id: int,
    *,
    actor: str,
    note: str | None = None,
    given: Precondition = NO_PRECONDITION,
) -> ProfileProposal:
    """
    Make the proposed curve the profile's next version: the next plan uses it.

    Raises ``ProposalNotFound``, ``PreconditionFailed``, ``ProposalDecided``, ``ProposalStale``.
    """
    with store.writing() as work:
        return _accept(work, _open(work, proposal_id, given), actor=actor, note=note)


def reject(
    store: Store,
    proposal_id: int,
    *,
    actor: str,
    note: str | None = None,
    given: Precondition = NO_PRECONDITION,
) -> ProfileProposal:
    """
    Leave the profile as it is.

    Raises ``ProposalNotFound``, ``PreconditionFailed``, ``ProposalDecided``.
    """
    with store.writing() as work:
        proposal = _open(work, proposal_id, given)
        rejected = work.profiles.decide(proposal.id, ProposalState.REJECTED, actor=actor, note=note)
        _audit(work, rejected, "profile.rejected", actor)
        return rejected


def _open(work: UnitOfWork, proposal_id: int, given: Precondition) -> ProfileProposal:
    proposal = work.profiles.proposal(proposal_id, lock=True)
    if proposal is None:
        raise ProposalNotFound(proposal_id)
    given.check(f"profile proposal {proposal_id}", proposal)
    if proposal.state is not ProposalState.PROPOSED:
        raise ProposalDecided(proposal_id, proposal.state)
    return proposal


def _accept(work: UnitOfWork, proposal: ProfileProposal, *, actor: str, note: str | None) -> ProfileProposal:
    registered = work.profiles.lock(proposal.model, proposal.gpu_type)
    if registered != proposal.profile_version:
        raise ProposalStale(proposal.id, proposal.profile_version, registered)
    (profile,) = work.registry.profiles(model=proposal.model, gpu_type=proposal.gpu_type)
    accepted = work.profiles.decide(proposal.id, ProposalState.ACCEPTED, actor=actor, note=note)
    corrected = RegisteredProfile(
        profile.model,
        profile.gpu_type,
        proposal.curve,
        profile.weights_gib,
        profile.workspace_gib_per_item,
        profile.batch_size_max,
        f"measured by dispatchers, proposal {proposal.id}",
    )
    since = datetime.fromisoformat(proposal.evidence["since"])
    work.registry.put_profiles([corrected], measured_since=since, proposal_id=proposal.id)
    _audit(work, accepted, "profile.accepted", actor)
    return accepted


def _audit(work: UnitOfWork, proposal: ProfileProposal, action: str, actor: str) -> None:
    subject = f"{proposal.model}@{proposal.gpu_type}"
    work.audit.add(
        actor=actor, action=action, subject=subject, proposal=proposal.id, version=proposal.profile_version
    )


def _policy(work: UnitOfWork) -> str:
    fleet = work.fleets.get(work.fleet)
    return str((fleet.policy if fleet else {}).get(POLICY_KEY, PROPOSE))


def proposals(
    store: Store, *, limit: int, before: int | None = None, state: ProposalState | None = None
) -> list[ProfileProposal]:
    with store.reading() as work:
        return work.profiles.proposals(limit=limit, before=before, state=state)


def proposal(store: Store, proposal_id: int) -> ProfileProposal:
    """Raises ``ProposalNotFound``."""
    with store.reading() as work:
        found = work.profiles.proposal(proposal_id)
    if found is None:
        raise ProposalNotFound(proposal_id)
    return found


def versions(store: Store, model: str, gpu_type: str) -> list[ProfileVersion]:
    """Every version there was, the newest first. Raises ``ProfileNotFound``."""
    with store.reading() as work:
        found = work.profiles.versions(model=model, gpu_type=gpu_type)
    if not found:
        raise ProfileNotFound(model, gpu_type)
    return found


@dataclass(frozen=True, slots=True)
class PlannedProfile:
    """The version of a profile that a plan counted on; None where none of its versions says the same."""

    model: str
    gpu_type: str
    version: int | None


def planned_profiles(store: Store, plan_version: int) -> list[PlannedProfile]:
    """Which version of each profile a plan's problem holds, by what it says. Raises ``PlanNotFound``."""
    with store.reading() as work:
        documents = work.plans.documents(plan_version)
        if documents is None:
            raise PlanNotFound(plan_version)
        known: dict[tuple[str, str], list[ProfileVersion]] = {}
        for version in work.profiles.versions():
            known.setdefault((version.model, version.gpu_type), []).append(version)
    return [
        PlannedProfile(model["id"], gpu_type, _version_of(profile, known.get((model["id"], gpu_type), [])))
        for model in documents.problem["models"]
        for gpu_type, profile in sorted(model["profiles"].items())
    ]


def _version_of(profile: Mapping[str, Any], known: Sequence[ProfileVersion]) -> int | None:
    """The newest that says the same."""
    said = (curve_of(profile), *(profile[name] for name in FACTS))
    return next(
        (v.version for v in known if (curve_of(v.curve), *(getattr(v, name) for name in FACTS)) == said), None
    )


FACTS = ("weights_gib", "workspace_gib_per_item", "batch_size_max")


def curve_of(document: Mapping[str, Any]) -> LatencyCurve:
    """The curve that a profile's ``alpha_ms`` and ``beta_ms``, or ``latency_ms``, state."""
    if "latency_ms" in document:
        sizes, latencies = zip(*document["latency_ms"], strict=True)
        return TabulatedCurve(tuple(int(b) for b in sizes), tuple(_us(ms) for ms in latencies))
    return AffineCurve(_us(document["alpha_ms"]), _us(document["beta_ms"]))


def curve_document(curve: LatencyCurve) -> dict[str, Any]:
    if isinstance(curve, AffineCurve):
        return {"alpha_ms": _ms(curve.alpha_us), "beta_ms": _ms(curve.beta_us)}
    return {"latency_ms": [[b, _ms(us)] for b, us in zip(curve.batch_sizes, curve.latencies_us, strict=True)]}


def evidence_document(shown: Drift) -> dict[str, Any]:
    return {
        "since": instant_at(shown.since_us).isoformat(),
        "until": instant_at(shown.until_us).isoformat(),
        "overall": asdict(shown.overall),
        "by_batch_size": [asdict(one) for one in shown.by_batch_size],
        "error_before": shown.error_before,
        "error_after": shown.error_after,
    }


def _us(ms: float) -> float:
    """As ``planner.problem.parse`` reads it."""
    return round(float(ms) * 1_000, 6)


def _ms(us: float) -> float:
    return round(us / 1_000, MS_DIGITS)
