"""Every policy and drop rule is documented, with the drop rule that is its own."""

from __future__ import annotations

import pytest

from dispatcher.core.rules import DropRule, Policy, Rules
from tests.tidy.tree import ROOT


def rows() -> dict[str, list[str]]:
    """The tables' rows, by what their first cell names; the first row of a name counts."""
    text = (ROOT / "docs/reference/policies.md").read_text(encoding="utf-8")
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.startswith("| `"):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            found.setdefault(cells[0].split("`")[1], cells)
    return found


@pytest.mark.parametrize("policy", list(Policy))
def test_policy_and_its_drop_rule_are_documented(policy: Policy) -> None:
    assert rows()[policy.value][3] == f"`{Rules(policy).drop_rule.value}`"


def test_drop_rules_are_documented() -> None:
    assert {rule.value for rule in DropRule} <= set(rows())
