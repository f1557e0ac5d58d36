"""
Request bodies that remember every fault.

A collection takes one object or an array of them. Each is validated on its own; rules
between fields and names that must be known are checked even where single fields are at fault, so that one
answer lists everything there is to mend.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.rest.faults import faults_of_errors, path_of
from dispatcher.contract.reading import shown
from planner.service.submission import Reference, Submission
from profiles.faults import Fault

Record = TypeVar("Record")

ENTRIES_MAX = 100_000
FAULTS_MAX = 10_000
"""Listed at most: faults take a hundred times the room of what causes them, and nobody reads on."""

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


def _submission(kind: type[Entry[Record]], items: list[tuple[str, Any]]) -> Submission[Record]:
    entries: list[Record] = []
    faults: list[Fault] = []
    identities: list[tuple[str, str]] = []
    references: list[Reference] = []
    for path, raw in items:
        if not isinstance(raw, dict):
            faults.append(_no_object(path, raw))
            continue
        if len(faults) > FAULTS_MAX:
            faults.append(_unread(path, "further entries"))
            break
        try:
            entry = kind.model_validate(raw)
            found = []
        except ValidationError as error:
            if error.error_count() > FAULTS_MAX:
                faults.append(_unread(path, f"{error.error_count()} faults"))
                continue
            found = faults_of_errors(error.errors(include_url=False), path)
        found += kind.faults_between(raw, path)
        if found:
            faults.extend(found)
        else:
            entries.append(entry.to_record())
        references.extend(kind.references(raw, path))
        identity = kind.identity(raw)
        if identity is not None:
            identities.append((path or "(whole)", identity))
    return Submission(kind.subject, tuple(entries), tuple(faults), tuple(identities), tuple(references))


def _unread(path: str, what: str) -> Fault:
    return Fault(path or "(whole)", what, f"not listed: a request has at most {FAULTS_MAX} faults listed")


def _no_object(path: str, raw: Any) -> Fault:
    if isinstance(raw, bytes):
        return Fault("(whole)", "text of another type", "must be JSON, sent as application/json")
    return Fault(path or "(whole)", shown(raw), "must be an object")
