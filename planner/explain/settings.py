"""
Changes to a problem, one value at a time: ``models.bert.slo_ms=40``, ``inventory.A100=+20``.

A setting names a value by its path in the problem's canonical document and says what becomes of it. The
same settings are what people ask with (``fermata plan what-if --set``) and what an explanation answers with,
so that every change it proposes can be tried by copying it. The changed document is read by
``parse_problem``: a setting can state nothing that a problem file could not.

Paths   ``inventory.<GPU type>[.<zone>]``, ``models.<id>.<field>``, ``policy.<field>``,
        ``gpu_types.<id>.<field>``; deeper fields follow with further dots; ``*`` stands for every model.
Values  ``40`` or other JSON, ``+20``, ``-5``, ``x1.5`` or ``*1.5``. Whole numbers stay whole: a factor rounds
        to the nearest. Without a zone, the change of a type's total is spread over its zones. ``demand_rps``
        takes its number as the peak over the horizon and keeps the shape; a list replaces it.
"""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from planner.problem.canonical import problem_to_json
from planner.problem.names import nearest
from planner.problem.parse import parse_problem
from planner.problem.problem import PlanningProblem
from profiles.faults import Fault, InputInvalid

EVERY = "*"
HEADS = ("inventory", "models", "policy", "gpu_types")
NAMES_SHOWN = 12


class Operation(StrEnum):
    """What becomes of the value that is there."""

    REPLACE = "="
    ADD = "+"
    SUBTRACT = "-"
    MULTIPLY = "x"


@dataclass(frozen=True, slots=True)
class Setting:
    """One change: the value at ``path`` is replaced, or has a number added, subtracted or multiplied."""

    path: str
    operation: Operation
    operand: Any

    def __str__(self) -> str:
        """As ``parse_setting`` reads it."""
        sign = "" if self.operation is Operation.REPLACE else self.operation.value
        text = self.operand if isinstance(self.operand, str) else json.dumps(self.operand)
        return f"{self.path}={sign}{text}"

    @property
    def shown_value(self) -> str:
        return repr(str(self)[len(self.path) + 1 :])


def parse_setting(text: str) -> Setting:
    """
    The setting that a text like ``policy.churn_gib_max=+10`` states.

    Raises InputInvalid where there is no ``=``, no path or no value.
    """
    path, equals, value = text.rpartition("=")
    path, value = path.strip(), value.strip()
    if not equals or not path or not value:
        fault = Fault("--set", repr(text), "must be PATH=VALUE, as in inventory.A100=+20")
        raise InputInvalid("the change", [fault])
    if value[0] in "+-x*":
        number = _number(value[1:])
        operation = Operation.MULTIPLY if value[0] in "x*" else Operation(value[0])
        if number is not None:
            return Setting(path, operation, number)
    try:
        return Setting(path, Operation.REPLACE, json.loads(value))
    except json.JSONDecodeError:
        return Setting(path, Operation.REPLACE, value)


def parse_settings(texts: Sequence[str]) -> tuple[Setting, ...]:
    """All of the settings; InputInvalid names every text that states none."""
    found: list[Setting] = []
    faults: list[Fault] = []
    for text in texts:
        try:
            found.append(parse_setting(text))
        except InputInvalid as invalid:
            faults += invalid.faults
    if faults:
        raise InputInvalid("the change", faults)
    return tuple(found)


def apply_settings(problem: PlanningProblem, settings: Sequence[Setting]) -> PlanningProblem:
    """
    The problem with all of the settings made, in their order, under its own digest.

    Raises
    ------
    InputInvalid
        With every setting whose path names nothing (and the name it may have meant) or whose value the
        problem's parser refuses, under the path that was given.
    """
    document = copy.deepcopy(problem_to_json(problem))
    faults: list[Fault] = []
    places: list[tuple[str, Setting]] = []
    for setting in settings:
        try:
            for target in _targets(document, setting):
                _change(target, setting)
                places.append((target.place, setting))
        except _Refused as refused:
            faults.append(Fault(setting.path, setting.shown_value, str(refused)))
    if not faults:
        try:
            return parse_problem(document)
        except InputInvalid as invalid:
            faults = [_translated(fault, places) for fault in invalid.faults]
    raise InputInvalid("the change", list(dict.fromkeys(faults)))


class _Refused(Exception):
    """The setting cannot be made; the message is the limit that a fault names."""


@dataclass(frozen=True, slots=True)
class _Target:
    """A value of the document: its container, its key there, its path as the parser's faults name it."""

    container: Any
    key: str | int
    place: str
    change: Callable[[Any, Setting], Any]


def _targets(document: dict[str, Any], setting: Setting) -> Iterator[_Target]:
    head, dot, rest = setting.path.partition(".")
    if head not in HEADS:
        raise _Refused(f"must begin with one of {', '.join(HEADS)}{nearest(head, HEADS)}")
    if not dot or not rest:
        raise _Refused(f"must go on: {head}.NAME")
    if head == "inventory":
        yield from _pools(document, rest, setting)
    elif head == "policy":
        yield _field(document["policy"], rest, "policy", "the policy", setting)
    else:
        what = "model" if head == "models" else "GPU type"
        items = {item["id"]: (index, item) for index, item in enumerate(document[head])}
        if head == "models" and rest.startswith(EVERY + "."):
            chosen, field = list(items), rest[len(EVERY) + 1 :]
        else:
            name, field = _leading_name(rest, items, what)
            chosen = [name]
        for name in chosen:
            index, item = items[name]
            yield _field(item, field, f"{head}[{index}]", f"a {what}", setting)


def _leading_name(rest: str, known: Collection[str], what: str) -> tuple[str, str]:
    """The known name that a path begins with (names may hold dots), and what follows."""
    found = [name for name in known if rest == name or rest.startswith(name + ".")]
    if not found:
        raise _Refused(f"there is no {what} {rest.split('.')[0]!r}{_hint(rest.split('.')[0], known)}")
    name = max(found, key=len)
    return name, rest[len(name) + 1 :]


def _field(item: dict[str, Any], field: str, place: str, what: str, setting: Setting) -> _Target:
    """The value under a dotted field of one object of the document."""
    container, rest = item, field
    while True:
        if not rest:
            raise _Refused(f"must name a field of {what}: {_listed(container)}")
        key = next(
            (k for k in sorted(container, key=len, reverse=True) if f"{rest}.".startswith(f"{k}.")), None
        )
        if key is None or (key == "id" and container is item):
            raise _Refused(
                f"{what} has no field {rest!r} that can be set{_hint(rest, set(container) - {'id'})}"
            )
        place, rest = f"{place}.{key}", rest[len(key) + 1 :]
        whole = (
            not rest and setting.operation is Operation.REPLACE and isinstance(setting.operand, dict | None)
        )
        if not isinstance(container[key], dict) or whole:
            break
        container = container[key]
    if rest:
        raise _Refused(f"{key} has no fields of its own")
    change = _scaled_demand if key == "demand_rps" else _changed
    return _Target(container, key, place, change)


def _pools(document: dict[str, Any], rest: str, setting: Setting) -> Iterator[_Target]:
    """The pools of a GPU type, or the one of a zone; without a zone the change is spread over them."""
    pools = list(enumerate(document["pools"]))
    gpu_type, zone = _leading_name(rest, {pool["gpu_type"] for _, pool in pools}, "pool of GPU type")
    mine = sorted((pool["zone"], index) for index, pool in pools if pool["gpu_type"] == gpu_type)
    zones = [name for name, _ in mine]
    if zone:
        if zone not in zones:
            raise _Refused(f"there is no pool of {gpu_type} in zone {zone!r}{_hint(zone, zones)}")
        mine = [(zone, index) for name, index in mine if name == zone]
    spread = _spread([pools[index][1]["available"] for _, index in mine], setting) if len(mine) > 1 else None
    for position, (_, index) in enumerate(mine):
        fixed = None if spread is None else spread[position]
        change = _changed if fixed is None else (lambda _value, _setting, fixed=fixed: fixed)
        yield _Target(pools[index][1], "available", f"pools[{index}].available", change)


def _spread(available: list[int], setting: Setting) -> list[Any] | None:
    """
    Counts of a type's pools, by zone, after a change to their total; None: each pool is changed by itself.

    What is added goes evenly to the zones, the rest to the first of them by name; what is taken
    comes one by one from the zone that has most.
    """
    if setting.operation is Operation.MULTIPLY or not isinstance(setting.operand, int | float):
        return None
    sign = {Operation.ADD: 1, Operation.SUBTRACT: -1}.get(setting.operation)
    change = setting.operand - sum(available) if sign is None else sign * setting.operand
    if change != int(change) or -change > sum(available):
        raise _Refused(f"must leave a whole number of GPUs, at least 0; {sum(available)} are there")
    whole, counts = int(change), list(available)
    for position in range(len(counts)):
        counts[position] += (whole + len(counts) - 1 - position) // len(counts) if whole > 0 else 0
    for _ in range(-whole):
        counts[counts.index(max(counts))] -= 1
    return counts


def _change(target: _Target, setting: Setting) -> None:
    target.container[target.key] = target.change(target.container[target.key], setting)


def _changed(value: Any, setting: Setting) -> Any:
    if setting.operation is Operation.REPLACE:
        return setting.operand
    if value is None:
        raise _Refused("has no limit now: give the value itself, as in PATH=40")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _Refused(f"is no number ({value!r}): give the value itself")
    result = {
        Operation.ADD: value + setting.operand,
        Operation.SUBTRACT: value - setting.operand,
        Operation.MULTIPLY: value * setting.operand,
    }[setting.operation]
    if isinstance(value, int) and setting.operation is Operation.MULTIPLY and math.isfinite(result):
        return math.floor(result + 0.5)
    return result


def _scaled_demand(rates: list[float], setting: Setting) -> list[float]:
    """Rates by epoch of the same shape: the number counts at their peak."""
    if isinstance(setting.operand, list):
        return setting.operand
    peak = max(rates, default=0.0)
    if setting.operation is Operation.MULTIPLY:
        return [rate * setting.operand for rate in rates]
    wanted = _changed(peak, setting)
    if isinstance(wanted, bool) or not isinstance(wanted, int | float):
        raise _Refused(f"must be a peak in requests per second or a list of {len(rates)} rates")
    if peak == 0:
        return [float(wanted)] * len(rates)
    return [rate * (wanted / peak) for rate in rates]


def _translated(fault: Fault, places: list[tuple[str, Setting]]) -> Fault:
    """The parser's fault under the path that the setting gave."""
    for place, setting in reversed(places):
        if fault.field == place or fault.field.startswith((f"{place}.", f"{place}[")):
            return Fault(setting.path, setting.shown_value, f"{fault.limit} (it would be {fault.value})")
    return fault


def _hint(name: str, known: Collection[str]) -> str:
    return f"{nearest(name, sorted(known))}; possible: {_listed(known)}" if known else "; there are none"


def _listed(names: Collection[str] | Mapping[str, object]) -> str:
    shown = sorted(name for name in names if name != "id")
    more = f" and {len(shown) - NAMES_SHOWN} more" if len(shown) > NAMES_SHOWN else ""
    return ", ".join(shown[:NAMES_SHOWN]) + more


def _number(text: str) -> int | float | None:
    try:
        number = json.loads(text)
    except json.JSONDecodeError:
        return None
    return number if isinstance(number, int | float) and not isinstance(number, bool) else None
