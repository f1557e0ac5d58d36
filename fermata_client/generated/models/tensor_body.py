from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.tensor_body_datatype import TensorBodyDatatype

T = TypeVar("T", bound="TensorBody")


@_attrs_define
class TensorBody:
    """One input or output; the shape leaves out the batch dimension."""

    name: str
    datatype: TensorBodyDatatype
    """ As in the Open Inference Protocol. """
    shape: list[int]

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        datatype = self.datatype.value

        shape = self.shape

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "name": name,
                "datatype": datatype,
                "shape": shape,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        name = d.pop("name")

        datatype = TensorBodyDatatype(d.pop("datatype"))

        shape = cast(list[int], d.pop("shape"))

        tensor_body = cls(
            name=name,
            datatype=datatype,
            shape=shape,
        )

        return tensor_body
