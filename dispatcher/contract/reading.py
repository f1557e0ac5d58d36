"""Data into structs of the contract, with every fault reported at once."""

from __future__ import annotations

import dataclasses
import typing
from typing import Any, TypeVar

import msgspec

from profiles.faults import Fault

T = TypeVar("T")

VALUE_CHARS_MAX = 80


def shown(value: object) -> str:
    """The value as a fault shows it, cut to a readable length."""
    text = repr(value)
    return text if len(text) <= VALUE_CHARS_MAX else text[: VALUE_CHARS_MAX - 3] + "..."


def read_struct(data: object, kind: type[T], path: str, faults: list[Fault]) -> T | None:
    """
    ``data`` as a ``kind``, field by field; None when anything was wrong.

    Each fault is appended to ``faults`` with its path below ``path``. ``kind`` is a msgspec
    struct or a dataclass; its fields may be such in turn, or tuples of them.
    """
    if not isinstance(data, dict):
        faults.append(Fault(path or "(whole)", shown(data), "must be an object"))
        return None
    before = len(faults)
    required = _fields(kind)
    hints = typing.get_type_hints(kind)
    for name in data:
        if name not in required:
            allowed = ", ".join(required)
            faults.append(
                Fault(_join(path, str(name)), shown(data[name]), f"unknown field; known are {allowed}")
            )
    values: dict[str, Any] = {}
    for name in required:
        if name in data:
            values[name] = _read(data[name], hints[name], _join(path, name), faults)
        elif required[name]:
            faults.append(Fault(_join(path, name), "nothing", "is required"))
    if len(faults) > before:
        return None
    try:
        return kind(**values)
    except ValueError as error:
        faults.append(Fault(path, shown(data), str(error)))
        return None


def _fields(kind: Any) -> dict[str, bool]:
    """Every field's name, and whether it must be given."""
    if dataclasses.is_dataclass(kind):
        missing = dataclasses.MISSING
        return {
            field.name: field.default is missing and field.default_factory is missing
            for field in dataclasses.fields(kind)
        }
    return {field.name: field.required for field in msgspec.structs.fields(kind)}


def _read(value: object, hint: Any, path: str, faults: list[Fault]) -> Any:
    struct = _struct_in(hint)
    if struct is not None and not (value is None and type(None) in typing.get_args(hint)):
        return read_struct(value, struct, path, faults)
    if typing.get_origin(hint) is tuple and (item := _struct_in(typing.get_args(hint)[0])) is not None:
        if not isinstance(value, list):
            faults.append(Fault(path, shown(value), "must be a list"))
            return ()
        return tuple(read_struct(each, item, f"{path}[{i}]", faults) for i, each in enumerate(value))
    try:
        return msgspec.convert(value, hint)
    except msgspec.ValidationError as error:
        faults.append(Fault(path, shown(value), str(error).split(" - at `$")[0]))
        return None


def _struct_in(hint: Any) -> Any:
    """The struct that ``hint`` is, or is when not None."""
    if typing.get_origin(hint) is tuple:
        return None
    for kind in (hint, *typing.get_args(hint)):
        if isinstance(kind, type) and (issubclass(kind, msgspec.Struct) or dataclasses.is_dataclass(kind)):
            return kind
    return None


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
