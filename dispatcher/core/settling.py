"""
What follows at one instant: by the common rules (``matching``), or by those of one policy.

Which rules, is settled when the kernels are compiled, by which parts the state has: the common
rules cost nothing for the others' being there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dispatcher.core import matching, nexus, shepherd
from dispatcher.core.compiled import is_there, variant
from dispatcher.core.outbox import Outbox
from dispatcher.core.state import NEVER, State

settle_by_common_rules = matching.settle
settle_nexus = nexus.settle
settle_shepherd = shepherd.settle
next_instant_by_common_rules_us = matching.next_instant_us
next_instant_of_nexus_us = nexus.next_instant_us
next_instant_of_shepherd_us = shepherd.next_instant_us


def settle(state: State, now_us: int, outbox: Outbox) -> bool:
    """Do all that is to be done at this instant; False when the outbox must be emptied first."""
    return False


@variant(of=settle)
def _settle(state: Any, now_us: Any, outbox: Any) -> Callable[..., bool]:
    if is_there(state, "nexus"):
        return lambda state, now_us, outbox: settle_nexus(state, now_us, outbox)
    if is_there(state, "shepherd"):
        return lambda state, now_us, outbox: settle_shepherd(state, now_us, outbox)
    return lambda state, now_us, outbox: settle_by_common_rules(state, now_us, outbox)


def next_instant_us(state: State) -> int:
    """When something is to be done although nothing is heard; NEVER if nothing is."""
    return NEVER


@variant(of=next_instant_us)
def _next_instant_us(state: Any) -> Callable[..., int]:
    if is_there(state, "nexus"):
        return lambda state: next_instant_of_nexus_us(state)
    if is_there(state, "shepherd"):
        return lambda state: next_instant_of_shepherd_us(state)
    return lambda state: next_instant_by_common_rules_us(state)
