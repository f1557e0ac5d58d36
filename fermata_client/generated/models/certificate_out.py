from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.certificate_out_certificate import CertificateOutCertificate


T = TypeVar("T", bound="CertificateOut")


@_attrs_define
class CertificateOut:
    """The simulated evidence that a plan version keeps its SLOs."""

    plan_version: int
    passed: bool
    bad_rate: float | None
    certificate: CertificateOutCertificate
    """ Evidence by sub-cluster: epochs, seeds, bad rate with interval. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        plan_version = self.plan_version

        passed = self.passed

        bad_rate: float | None
        bad_rate = self.bad_rate

        certificate = self.certificate.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "plan_version": plan_version,
                "passed": passed,
                "bad_rate": bad_rate,
                "certificate": certificate,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.certificate_out_certificate import CertificateOutCertificate  # noqa: PLC0415

        d = dict(src_dict)
        plan_version = d.pop("plan_version")

        passed = d.pop("passed")

        def _parse_bad_rate(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        bad_rate = _parse_bad_rate(d.pop("bad_rate"))

        certificate = CertificateOutCertificate.from_dict(d.pop("certificate"))

        certificate_out = cls(
            plan_version=plan_version,
            passed=passed,
            bad_rate=bad_rate,
            certificate=certificate,
        )

        certificate_out.additional_properties = d
        return certificate_out

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
