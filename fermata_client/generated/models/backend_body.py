from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.backend_body_kind import BackendBodyKind
from ..types import UNSET, Unset

T = TypeVar("T", bound="BackendBody")


@_attrs_define
class BackendBody:
    """What executes the model: `emulated` takes its curve's time, `onnx` and `torch` compute `path`."""

    kind: BackendBodyKind | Unset = BackendBodyKind.EMULATED
    path: None | str | Unset = UNSET
    batch_sizes: list[int] | None | Unset = UNSET
    """ The only ones it runs at: others are filled up. """

    def to_dict(self) -> dict[str, Any]:
        kind: str | Unset = UNSET
        if not isinstance(self.kind, Unset):
            kind = self.kind.value

        path: None | str | Unset
        if isinstance(self.path, Unset):
            path = UNSET
        else:
            path = self.path

        batch_sizes: list[int] | None | Unset
        if isinstance(self.batch_sizes, Unset):
            batch_sizes = UNSET
        elif isinstance(self.batch_sizes, list):
            batch_sizes = self.batch_sizes

        else:
            batch_sizes = self.batch_sizes

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if kind is not UNSET:
            field_dict["kind"] = kind
        if path is not UNSET:
            field_dict["path"] = path
        if batch_sizes is not UNSET:
            field_dict["batch_sizes"] = batch_sizes

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        _kind = d.pop("kind", UNSET)
        kind: BackendBodyKind | Unset
        if isinstance(_kind, Unset):
            kind = UNSET
        else:
            kind = BackendBodyKind(_kind)

        def _parse_path(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        path = _parse_path(d.pop("path", UNSET))

        def _parse_batch_sizes(data: object) -> list[int] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                batch_sizes_type_0 = cast(list[int], data)

                return batch_sizes_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[int] | None | Unset, data)

        batch_sizes = _parse_batch_sizes(d.pop("batch_sizes", UNSET))

        backend_body = cls(
            kind=kind,
            path=path,
            batch_sizes=batch_sizes,
        )

        return backend_body
