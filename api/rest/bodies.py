"""
Request bodies that remember every fault.

A collection takes one object or an array of them. Each is validated on its own; rules
between fields and names that must be known are checked even where single fields are at fault, so that one
answer lists everything there is to mend.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, ClassVar, Generic, TypeVar

from fastapi import Body, Depends, Request
from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError

from api.rest.faults import faults_of_errors, path_of
from dispatcher.contract.reading import shown
from planner.service.submission import FAULTS_MAX, Reference, Submission
from profiles.faults import Fault

Record = TypeVar("Record")

ENTRIES_MAX = 100_000

Id = Annotated[
    str,
    Field(
        min_length=1,
        max_length=200,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._+:@-]*$",
        description="Letters, digits and any of . _ + : @ -",
    ),
]
Text = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]


class Strict(BaseModel):
    """Numbers are numbers, finite ones; unknown fields are refused."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, frozen=True)


class Entry(Strict, Generic[Record]):
    """One entry of a submission; ``to_record`` gives what the service takes."""

    subject: ClassVar[str]

    def to_record(self) -> Record:
        raise NotImplementedError

    @classmethod
    def identity(cls, raw: Mapping[str, Any]) -> str | None:
        """What must be unique among the entries, if anything."""
        return None

    @classmethod
    def references(cls, raw: Mapping[str, Any], path: str) -> Iterator[Reference]:
        """Registered things named by the entry, whatever else is wrong with it."""
        yield from ()

    @classmethod
    def faults_between(cls, raw: Mapping[str, Any], path: str) -> Iterator[Fault]:
        """What is wrong between fields, whatever else is wrong with them."""
        yield from ()


def reference(raw: Mapping[str, Any], field: str, kind: str, path: str) -> Iterator[Reference]:
    value = raw.get(field)
    if isinstance(value, str):
        yield Reference(path_of([field], path), kind, value)


def one_or_many(kind: type[Entry[Record]]) -> Callable[[Any], Submission[Record]]:
    """A reader of an object, or of an array of such. It never raises: pydantic would make its own of it."""

    def read(body: Any) -> Submission[Record]:
        if not isinstance(body, list):
            return _submission(kind, [("", body)])
        if not 1 <= len(body) <= ENTRIES_MAX:
            limit = f"must have 1 to {ENTRIES_MAX} elements"
            return Submission(kind.subject, (), (Fault("(whole)", f"{len(body)} elements", limit),))
        return _submission(kind, [(f"[{index}]", item) for index, item in enumerate(body)])

    return read


def just_one(kind: type[Entry[Record]]) -> Callable[[Any], Submission[Record]]:
    """A reader of one object."""

    def read(body: Any) -> Submission[Record]:
        return _submission(kind, [("", body)])

    return read


@dataclass(frozen=True, slots=True)
class Unread(Generic[Record]):
    """A body as it came, and how to read it."""

    reader: Callable[[Any], Submission[Record]]
    body: Any

    def read(self) -> Submission[Record]:
        return self.reader(self.body)


def submitted(
    kind: type[Entry[Record]], *, many: bool = True, in_path: Mapping[str, str] | None = None
) -> Any:
    """
    A dependency that reads a body of one ``kind`` (with ``many``: or an array of them).

    ``in_path`` says which parameter of the path a field must agree with. Bodies are read on a thread of
    their own: ten thousand entries would hold up every other request for a second.
    """

    reader = (one_or_many if many else just_one)(kind)

    def keep(body: Any) -> Unread[Record]:
        return Unread(reader, body)

    def read(request: Request, body: Unread[Record]) -> Submission[Record]:
        found = body.read()
        faults = _faults_against_path(body.body, in_path or {}, request.path_params)
        return replace(found, faults=(*found.faults, *faults)) if faults else found

    shown_type = kind | list[kind] if many else kind  # type: ignore[valid-type]
    read.__annotations__ = {
        "request": Request,
        "body": Annotated[Any, PlainValidator(keep, json_schema_input_type=shown_type), Body()],
        "return": Submission,
    }
    return Depends(read)


def body_faults(route: Any, body: Any) -> tuple[list[Fault], int]:
    """
    What is wrong with a body by itself, for an answer about other parts of the request; and how many faults
    there are beyond those.

    ``route`` is FastAPI's. Bodies read by ``submitted``, ``one_or_many`` or ``just_one`` are looked at.
    """
    field = getattr(route, "body_field", None)
    metadata = getattr(getattr(field, "field_info", None), "metadata", ())
    for each in metadata if body is not None else ():
        if isinstance(each, PlainValidator):
            found: Any = each.func(body)  # type: ignore[call-arg]
            found = found.read() if isinstance(found, Unread) else found
            return (list(found.faults), found.unlisted) if isinstance(found, Submission) else ([], 0)
    return [], 0


def _faults_against_path(raw: Any, in_path: Mapping[str, str], path: Mapping[str, Any]) -> list[Fault]:
    return [
        Fault(field, shown(raw[field]), f"must be {shown(path[parameter])}, as in the path")
        for field, parameter in in_path.items()
        if isinstance(raw, dict) and isinstance(raw.get(field), str) and raw[field] != path[parameter]
    ]


def _submission(kind: type[Entry[Record]], items: list[tuple[str, Any]]) -> Submission[Record]:
    entries: list[Record] = []
    faults = _Faults()
    identities: list[tuple[str, str]] = []
    references: list[Reference] = []
    for path, raw in items:
        if not isinstance(raw, dict):
            faults.add(_no_object(path, raw))
            continue
        before = faults.count
        try:
            entry = kind.model_validate(raw)
        except ValidationError as error:
            faults.add_errors(error, path)
        for fault in kind.faults_between(raw, path):
            faults.add(fault)
        if faults.count == before:
            entries.append(entry.to_record())
        references.extend(kind.references(raw, path))
        identity = kind.identity(raw)
        if identity is not None:
            identities.append((path or "(whole)", identity))
    return Submission(
        kind.subject,
        tuple(entries),
        tuple(faults.listed),
        tuple(identities),
        tuple(references),
        faults.count - len(faults.listed),
    )


@dataclass(slots=True)
class _Faults:
    """The first ``FAULTS_MAX``, and how many there are in all."""

    listed: list[Fault] = field(default_factory=list)
    count: int = 0

    def add(self, fault: Fault) -> None:
        self.count += 1
        if len(self.listed) < FAULTS_MAX:
            self.listed.append(fault)

    def add_errors(self, error: ValidationError, path: str) -> None:
        """To list errors all are made first, so an entry with too many is told of as a whole."""
        count, room = error.error_count(), FAULTS_MAX - len(self.listed)
        self.count += count
        if count > FAULTS_MAX and room:
            limit = f"not listed: a request has at most {FAULTS_MAX} faults listed"
            self.listed.append(Fault(path or "(whole)", f"{count} faults", limit))
        elif room:
            self.listed += faults_of_errors(error.errors(include_url=False)[:room], path)


def _no_object(path: str, raw: Any) -> Fault:
    if isinstance(raw, bytes):
        return Fault("(whole)", "text of another type", "must be JSON, sent as application/json")
    return Fault(path or "(whole)", shown(raw), "must be an object")
