"""The content-derived id of a plan."""

from __future__ import annotations

import json

import pytest

from planner.plan.identity import plan_id

PLAN = {"cost_usd_per_hour": 2.0, "sub_clusters": [{"id": "a", "gpus": [1, 2]}]}
CERTIFICATE = {"passed": True, "sub_clusters": []}


def test_it_is_a_digest_of_the_content_whatever_the_order_of_keys() -> None:
    found = plan_id(PLAN, "d" * 64, CERTIFICATE)
    assert found == plan_id(dict(reversed(PLAN.items())), "d" * 64, dict(reversed(CERTIFICATE.items())))
    assert len(found) == 64


def test_it_survives_the_way_through_a_database() -> None:
    stored = json.loads(json.dumps({"gpus": (1, 2), "share": [0.1 + 0.2, 1e-300, 1.0]}))
    assert plan_id(stored, "d", None) == plan_id(
        {"gpus": (1, 2), "share": [0.1 + 0.2, 1e-300, 1.0]}, "d", None
    )


@pytest.mark.parametrize(
    ("plan", "digest", "certificate"),
    [
        (PLAN | {"cost_usd_per_hour": 2.0000000001}, "d" * 64, CERTIFICATE),
        (PLAN | {"sub_clusters": [{"id": "a", "gpus": [2, 1]}]}, "d" * 64, CERTIFICATE),
        (PLAN, "e" * 64, CERTIFICATE),
        (PLAN, "d" * 64, CERTIFICATE | {"passed": False}),
        (PLAN, "d" * 64, None),
    ],
)
def test_any_change_of_plan_problem_or_evidence_changes_it(
    plan: dict[str, object], digest: str, certificate: dict[str, object] | None
) -> None:
    assert plan_id(plan, digest, certificate) != plan_id(PLAN, "d" * 64, CERTIFICATE)


def test_what_is_no_number_has_no_id() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        plan_id({"cost_usd_per_hour": float("nan")}, "d", None)
