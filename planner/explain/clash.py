"""
Which rules clash: a set of them that cannot be kept together, none of which could be left out.

QuickXplain (Junker 2004, "QuickXplain: preferred explanations and relaxations for over-constrained problems",
AAAI) divides and conquers: of n rules, k in the clash, it asks about k log(n/k) times, each time solving the
problem with some of the rules dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from planner.explain.probe import OutOfTime, Prober
from planner.explain.rules import Rule, dropped
from planner.explain.settings import Setting

Holds = Callable[[Sequence[Rule]], bool]


@dataclass(frozen=True, slots=True)
class Clash:
    """
    Rules that demand cannot be served under.

    ``is_minimal`` says that none of them could be left out; ``is_proven`` that they are proven impossible
    together. ``is_helpless`` says that dropping every known rule did not help; then these are all of them.
    """

    rules: tuple[Rule, ...]
    is_minimal: bool
    is_proven: bool
    is_helpless: bool = False


def find_clash(prober: Prober, rules: Sequence[Rule], also: Sequence[Setting] = ()) -> Clash:
    """The clash among ``rules``, every other fact of the problem taken as given, ``also`` set throughout."""

    def keeps(kept: Sequence[Rule]) -> bool:
        return prober.ask([*also, *dropped([rule for rule in rules if rule not in kept])]).served

    try:
        if not keeps([]):
            return Clash(tuple(rules), False, False, is_helpless=True)
        chosen = [rule for rule in rules if rule in quickxplain(keeps, rules)]
        alone = prober.ask([*also, *dropped([rule for rule in rules if rule not in chosen])])
        return Clash(tuple(chosen), True, alone.proven)
    except OutOfTime:
        return Clash(tuple(rules), False, False)


def quickxplain(holds: Holds, rules: Sequence[Rule]) -> list[Rule]:
    """A minimal set of rules that ``holds`` says no to; it must say yes to none and no to all of them."""

    def within(kept: list[Rule], grown: bool, open_rules: list[Rule]) -> list[Rule]:
        if grown and not holds(kept):
            return []
        if len(open_rules) == 1:
            return open_rules
        half = len(open_rules) // 2
        first, second = open_rules[:half], open_rules[half:]
        from_second = within([*kept, *first], True, second)
        from_first = within([*kept, *from_second], bool(from_second), first)
        return [*from_first, *from_second]

    return within([], False, list(rules)) if rules else []
