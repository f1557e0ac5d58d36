"""Repository of profiles in the course of time: versions, and corrections that measurements propose."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from planner.store.records import (
    NewProposal,
    ProfileProposal,
    ProfileVersion,
    ProposalState,
    RegisteredProfile,
)
from planner.store.tables import ProfileProposalRow, ProfileRow, ProfileVersionRow

Key = tuple[str, str]
FACTS = ("curve", "weights_gib", "workspace_gib_per_item", "batch_size_max", "source")


def versioned(
    session: Session,
    now: datetime,
    profiles: Sequence[RegisteredProfile],
    *,
    measured_since: datetime | None = None,
    proposal_id: int | None = None,
) -> dict[Key, int]:
    """
    Write down what of ``profiles`` is new, before they replace those registered; returns the version of each.

    One that says what is registered already stays that version. A new one leaves no proposal open.
    """
    registered = {(row.model, row.gpu_type): row for row in session.scalars(select(ProfileRow))}
    own = ProfileVersionRow
    newest: dict[Key, int] = {
        (model, gpu_type): version
        for model, gpu_type, version in session.execute(
            select(own.model, own.gpu_type, func.max(own.version)).group_by(own.model, own.gpu_type)
        )
    }
    versions: dict[Key, int] = {}
    for profile in profiles:
        key = (profile.model, profile.gpu_type)
        facts = {name: getattr(profile, name) for name in FACTS}
        current = registered.get(key)
        if current is not None and facts == {name: getattr(current, name) for name in FACTS}:
            versions[key] = current.version
            continue
        versions[key] = newest.get(key, 0) + 1
        session.add(
            own(
                model=profile.model,
                gpu_type=profile.gpu_type,
                version=versions[key],
                **facts,
                created_at=now,
                measured_since=measured_since or now,
                proposal_id=proposal_id,
            )
        )
        if current is not None:
            _supersede(session, now, key)
    session.flush()
    return versions


def _supersede(session: Session, now: datetime, key: Key) -> None:
    own = ProfileProposalRow
    session.execute(
        update(own)
        .where(own.model == key[0], own.gpu_type == key[1], own.state == ProposalState.PROPOSED.value)
        .values(state=ProposalState.SUPERSEDED.value, decided_at=now)
    )


class ProfileVersionRepository:
    """Profiles are shared by all fleets; a proposal is of the fleet whose measurements made it."""

    def __init__(self, session: Session, now: datetime, fleet: str) -> None:
        self._session = session
        self._now = now
        self._fleet = fleet

    def versions(self, *, model: str | None = None, gpu_type: str | None = None) -> list[ProfileVersion]:
        """By model and GPU type, the newest first."""
        own = ProfileVersionRow
        query = select(own).order_by(own.model, own.gpu_type, own.version.desc())
        if model is not None:
            query = query.where(own.model == model)
        if gpu_type is not None:
            query = query.where(own.gpu_type == gpu_type)
        return [_version(row) for row in self._session.scalars(query)]

    def lock(self, model: str, gpu_type: str) -> int | None:
        """The registered version; nobody else registers another until this unit of work ends."""
        own = ProfileRow
        query = select(own.version).where(own.model == model, own.gpu_type == gpu_type)
        found: int | None = self._session.scalar(query.with_for_update())
        return found

    def propose(self, proposal: NewProposal) -> ProfileProposal:
        """In place of the one that is open for the same profile, if there is one."""
        _supersede(self._session, self._now, (proposal.model, proposal.gpu_type))
        row = ProfileProposalRow(
            fleet=self._fleet,
            **{name: getattr(proposal, name) for name in NewProposal.__slots__},
            state=ProposalState.PROPOSED.value,
            created_at=self._now,
        )
        self._session.add(row)
        self._session.flush()
        return _proposal(row)

    def newest_proposal(self, model: str, gpu_type: str, profile_version: int) -> ProfileProposal | None:
        """Of any fleet, whatever its state."""
        own = ProfileProposalRow
        query = (
            select(own)
            .where(own.model == model, own.gpu_type == gpu_type, own.profile_version == profile_version)
            .order_by(own.id.desc())
            .limit(1)
        )
        row = self._session.scalars(query).one_or_none()
        return None if row is None else _proposal(row)

    def proposal(self, proposal_id: int, *, lock: bool = False) -> ProfileProposal | None:
        """``lock``: nobody else decides it until this unit of work ends."""
        query = select(ProfileProposalRow).where(
            ProfileProposalRow.id == proposal_id, ProfileProposalRow.fleet == self._fleet
        )
        row = self._session.scalars(query.with_for_update() if lock else query).one_or_none()
        return None if row is None else _proposal(row)

    def proposals(
        self, *, limit: int, before: int | None = None, state: ProposalState | None = None
    ) -> list[ProfileProposal]:
        """Newest first; ``before`` continues below that id."""
        own = ProfileProposalRow
        query = select(own).where(own.fleet == self._fleet).order_by(own.id.desc()).limit(limit)
        if before is not None:
            query = query.where(own.id < before)
        if state is not None:
            query = query.where(own.state == state.value)
        return [_proposal(row) for row in self._session.scalars(query)]

    def decide(
        self, proposal_id: int, state: ProposalState, *, actor: str, note: str | None
    ) -> ProfileProposal:
        row = self._session.get_one(ProfileProposalRow, proposal_id, populate_existing=True)
        row.state, row.decided_at, row.decided_by, row.note = state.value, self._now, actor, note
        self._session.flush()
        return _proposal(row)


def _version(row: ProfileVersionRow) -> ProfileVersion:
    return ProfileVersion(**{name: getattr(row, name) for name in ProfileVersion.__slots__})


def _proposal(row: ProfileProposalRow) -> ProfileProposal:
    values: dict[str, Any] = {name: getattr(row, name) for name in ProfileProposal.__slots__}
    return ProfileProposal(**values | {"state": ProposalState(row.state)})
