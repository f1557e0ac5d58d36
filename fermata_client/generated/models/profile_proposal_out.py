from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.proposal_state import ProposalState
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.drift_evidence_out import DriftEvidenceOut


T = TypeVar("T", bound="ProfileProposalOut")


@_attrs_define
class ProfileProposalOut:
    """A corrected curve for a profile that measurements contradict, and what became of it."""

    id: int
    model: str
    gpu_type: str
    profile_version: int
    """ The version of the profile that it corrects. """
    state: ProposalState
    """ proposed -> accepted or rejected; superseded by a newer proposal, or because the profile changed. """
    evidence: DriftEvidenceOut
    """ What was measured, when, and how far either curve is from it. """
    created_at: datetime.datetime
    alpha_ms: float | None | Unset = UNSET
    beta_ms: float | None | Unset = UNSET
    latency_ms: list[list[float | int]] | None | Unset = UNSET
    decided_at: datetime.datetime | None | Unset = UNSET
    decided_by: None | str | Unset = UNSET
    note: None | str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        model = self.model

        gpu_type = self.gpu_type

        profile_version = self.profile_version

        state = self.state.value

        evidence = self.evidence.to_dict()

        created_at = self.created_at.isoformat()

        alpha_ms: float | None | Unset
        if isinstance(self.alpha_ms, Unset):
            alpha_ms = UNSET
        else:
            alpha_ms = self.alpha_ms

        beta_ms: float | None | Unset
        if isinstance(self.beta_ms, Unset):
            beta_ms = UNSET
        else:
            beta_ms = self.beta_ms

        latency_ms: list[list[float | int]] | None | Unset
        if isinstance(self.latency_ms, Unset):
            latency_ms = UNSET
        elif isinstance(self.latency_ms, list):
            latency_ms = []
            for latency_ms_type_0_item_data in self.latency_ms:
                latency_ms_type_0_item = []
                for latency_ms_type_0_item_item_data in latency_ms_type_0_item_data:
                    latency_ms_type_0_item_item: float | int
                    latency_ms_type_0_item_item = latency_ms_type_0_item_item_data
                    latency_ms_type_0_item.append(latency_ms_type_0_item_item)

                latency_ms.append(latency_ms_type_0_item)

        else:
            latency_ms = self.latency_ms

        decided_at: None | str | Unset
        if isinstance(self.decided_at, Unset):
            decided_at = UNSET
        elif isinstance(self.decided_at, datetime.datetime):
            decided_at = self.decided_at.isoformat()
        else:
            decided_at = self.decided_at

        decided_by: None | str | Unset
        if isinstance(self.decided_by, Unset):
            decided_by = UNSET
        else:
            decided_by = self.decided_by

        note: None | str | Unset
        if isinstance(self.note, Unset):
            note = UNSET
        else:
            note = self.note

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "model": model,
                "gpu_type": gpu_type,
                "profile_version": profile_version,
                "state": state,
                "evidence": evidence,
                "created_at": created_at,
            }
        )
        if alpha_ms is not UNSET:
            field_dict["alpha_ms"] = alpha_ms
        if beta_ms is not UNSET:
            field_dict["beta_ms"] = beta_ms
        if latency_ms is not UNSET:
            field_dict["latency_ms"] = latency_ms
        if decided_at is not UNSET:
            field_dict["decided_at"] = decided_at
        if decided_by is not UNSET:
            field_dict["decided_by"] = decided_by
        if note is not UNSET:
            field_dict["note"] = note

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.drift_evidence_out import DriftEvidenceOut  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        model = d.pop("model")

        gpu_type = d.pop("gpu_type")

        profile_version = d.pop("profile_version")

        state = ProposalState(d.pop("state"))

        evidence = DriftEvidenceOut.from_dict(d.pop("evidence"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        def _parse_alpha_ms(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        alpha_ms = _parse_alpha_ms(d.pop("alpha_ms", UNSET))

        def _parse_beta_ms(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        beta_ms = _parse_beta_ms(d.pop("beta_ms", UNSET))

        def _parse_latency_ms(data: object) -> list[list[float | int]] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                latency_ms_type_0 = []
                _latency_ms_type_0 = data
                for latency_ms_type_0_item_data in _latency_ms_type_0:
                    latency_ms_type_0_item = []
                    _latency_ms_type_0_item = latency_ms_type_0_item_data
                    for latency_ms_type_0_item_item_data in _latency_ms_type_0_item:

                        def _parse_latency_ms_type_0_item_item(data: object) -> float | int:
                            return cast(float | int, data)

                        latency_ms_type_0_item_item = _parse_latency_ms_type_0_item_item(
                            latency_ms_type_0_item_item_data
                        )

                        latency_ms_type_0_item.append(latency_ms_type_0_item_item)

                    latency_ms_type_0.append(latency_ms_type_0_item)

                return latency_ms_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[list[float | int]] | None | Unset, data)

        latency_ms = _parse_latency_ms(d.pop("latency_ms", UNSET))

        def _parse_decided_at(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                decided_at_type_0 = datetime.datetime.fromisoformat(data)

                return decided_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        decided_at = _parse_decided_at(d.pop("decided_at", UNSET))

        def _parse_decided_by(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        decided_by = _parse_decided_by(d.pop("decided_by", UNSET))

        def _parse_note(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        note = _parse_note(d.pop("note", UNSET))

        profile_proposal_out = cls(
            id=id,
            model=model,
            gpu_type=gpu_type,
            profile_version=profile_version,
            state=state,
            evidence=evidence,
            created_at=created_at,
            alpha_ms=alpha_ms,
            beta_ms=beta_ms,
            latency_ms=latency_ms,
            decided_at=decided_at,
            decided_by=decided_by,
            note=note,
        )

        profile_proposal_out.additional_properties = d
        return profile_proposal_out

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
