"""
What a fleet allows: who may approve, how long a plan is good for, and when one may go live by itself.

The policy is a JSON document kept with the fleet. What is missing takes the defaults below, which are those
of a fleet run by hand: live, nothing happens without a person, plans do not expire.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from planner.demand.planned import QUANTILE_DEFAULT, QUANTILE_LEAST, QUANTILE_MOST
from planner.plan.difference import PlanDifference
from planner.problem.reader import Reader, join
from planner.store.records import PlanSummary
from profiles.faults import InputInvalid

HOURS_MOST = 24.0 * 366
SHARE_MOST = 100.0  # a plan that costs a hundred times as much is no increase anybody bounds
GIB_MOST = 1e9
BAD_RATE_MOST = 0.5


class FleetMode(StrEnum):
    """``advisory``: plans are made and compared with what runs, and nothing is ever activated."""

    LIVE = "live"
    ADVISORY = "advisory"


class ProfileDrift(StrEnum):
    """What becomes of a profile corrected by measurement: proposed to a person, or used at once."""

    PROPOSE = "propose"
    ACCEPT = "accept"


@dataclass(frozen=True, slots=True)
class AutoApproval:
    """
    The bounds within which a certified plan is approved and activated without a person.

    Parameters
    ----------
    cost_increase_share_max
        (cost - cost of the active plan) / cost of the active plan, dollars per hour.
    churn_gib_max
        Weights loaded to leave the active plan, GiB.
    bad_rate_max
        Of the certificate's worst sub-cluster, a share of requests.
    """

    cost_increase_share_max: float
    churn_gib_max: float
    bad_rate_max: float


@dataclass(frozen=True, slots=True)
class FleetPolicy:
    """
    A fleet's rules; ``parse_fleet_policy`` reads them, ``fleet_policy_to_json`` writes every default out.

    Parameters
    ----------
    four_eyes
        Whether a plan must be approved by another person than the one who had it made.
    plan_valid_hours
        How old a plan may be when it is approved or activated; one whose horizon has ended is too
        old whatever its age. None: plans do not expire.
    auto_approval
        None: every plan waits for a person.
    demand_quantile
        Which quantile of demand is planned for by runs that do not name one; 0.5 is the middle.
    """

    mode: FleetMode = FleetMode.LIVE
    four_eyes: bool = False
    plan_valid_hours: float | None = None
    profile_drift: ProfileDrift = ProfileDrift.PROPOSE
    auto_approval: AutoApproval | None = None
    demand_quantile: float = QUANTILE_DEFAULT


DEFAULT = FleetPolicy()
KNOWN = ("mode", "four_eyes", "plan_valid_hours", "profile_drift", "auto_approval", "demand_quantile")
BOUNDS = ("cost_increase_share_max", "churn_gib_max", "bad_rate_max")


def parse_fleet_policy(document: object) -> FleetPolicy:
    """The policy that ``document`` states; raises ``InputInvalid`` with every fault, unknown keys too."""
    reader = Reader()
    policy = read_fleet_policy(reader, "policy", document)
    if reader.faults:
        raise InputInvalid("fleet policy", reader.faults)
    return policy


def read_fleet_policy(reader: Reader, path: str, document: object) -> FleetPolicy:
    """The policy found at ``path``; faults go to ``reader``."""
    fields = reader.object_at(path, document, KNOWN, ())
    hours, bounds = fields.get("plan_valid_hours"), fields.get("auto_approval")
    return FleetPolicy(
        mode=FleetMode(reader.choice(join(path, "mode"), fields.get("mode", "live"), list(FleetMode))),
        four_eyes=reader.boolean(join(path, "four_eyes"), fields.get("four_eyes", False)),
        plan_valid_hours=None
        if hours is None
        else reader.number(join(path, "plan_valid_hours"), hours, above=0, most=HOURS_MOST),
        profile_drift=ProfileDrift(
            reader.choice(
                join(path, "profile_drift"), fields.get("profile_drift", "propose"), list(ProfileDrift)
            )
        ),
        auto_approval=None if bounds is None else _bounds(reader, join(path, "auto_approval"), bounds),
        demand_quantile=reader.number(
            join(path, "demand_quantile"),
            fields.get("demand_quantile", QUANTILE_DEFAULT),
            least=QUANTILE_LEAST,
            most=QUANTILE_MOST,
        ),
    )


def fleet_policy_to_json(policy: FleetPolicy) -> dict[str, Any]:
    """The document that ``parse_fleet_policy`` reads back as this policy."""
    bounds = policy.auto_approval
    return {
        "mode": policy.mode.value,
        "four_eyes": policy.four_eyes,
        "plan_valid_hours": policy.plan_valid_hours,
        "profile_drift": policy.profile_drift.value,
        "auto_approval": None if bounds is None else {name: getattr(bounds, name) for name in BOUNDS},
        "demand_quantile": policy.demand_quantile,
    }


def patched(policy: FleetPolicy, changes: Mapping[str, Any]) -> FleetPolicy:
    """``policy`` with the keys of ``changes`` in place of its own; raises ``InputInvalid``."""
    return parse_fleet_policy(fleet_policy_to_json(policy) | dict(changes))


def may_activate_by_itself(
    policy: FleetPolicy, plan: PlanSummary, active: PlanSummary | None, difference: PlanDifference | None
) -> list[str]:
    """
    Why ``plan`` may not go live without a person, every reason a sentence; empty: it may.

    ``difference`` leads from ``active`` to ``plan``. Without an active plan there is nothing to bound the
    change against: the first plan of a fleet is a person's decision.
    """
    bounds = policy.auto_approval
    reasons = []
    if policy.mode is FleetMode.ADVISORY:
        reasons.append("the fleet is in advisory mode")
    if bounds is None:
        reasons.append("the fleet's policy has no auto_approval")
    if not plan.certificate_passed:
        reasons.append(f"plan {plan.version} did not pass its certificate")
    if plan.status == "partial":
        reasons.append(f"plan {plan.version} leaves demand unserved")
    if active is None or difference is None:
        reasons.append("no plan is active to compare it with")
    if bounds is not None:
        reasons += _beyond(bounds, plan, active, difference)
    return reasons


def _beyond(
    bounds: AutoApproval, plan: PlanSummary, active: PlanSummary | None, difference: PlanDifference | None
) -> list[str]:
    reasons = []
    if active is not None:
        increase = cost_increase_share(plan.cost_usd_per_hour, active.cost_usd_per_hour)
        if increase > bounds.cost_increase_share_max:
            reasons.append(
                f"it costs {increase:.1%} more than plan {active.version} ({active.cost_usd_per_hour:.2f} ->"
                f" {plan.cost_usd_per_hour:.2f} USD/h), allowed are {bounds.cost_increase_share_max:.1%}"
            )
    if difference is not None and difference.churn_gib > bounds.churn_gib_max:
        reasons.append(
            f"{difference.churn_gib:.1f} GiB would be loaded, allowed are {bounds.churn_gib_max:.1f} GiB"
        )
    if plan.certificate_bad_rate is None or plan.certificate_bad_rate > bounds.bad_rate_max:
        found = "unknown" if plan.certificate_bad_rate is None else f"{plan.certificate_bad_rate:.4f}"
        reasons.append(f"the worst sub-cluster's bad rate is {found}, allowed are {bounds.bad_rate_max:.4f}")
    return reasons


def cost_increase_share(cost_usd_per_hour: float, before_usd_per_hour: float) -> float:
    """(cost - before) / before; infinite where something costs and nothing did before."""
    if before_usd_per_hour > 0:
        return cost_usd_per_hour / before_usd_per_hour - 1
    return float("inf") if cost_usd_per_hour > 0 else 0.0


def _bounds(reader: Reader, path: str, value: object) -> AutoApproval:
    fields = reader.object_at(path, value, BOUNDS, BOUNDS)
    most = {"cost_increase_share_max": SHARE_MOST, "churn_gib_max": GIB_MOST, "bad_rate_max": BAD_RATE_MOST}
    return AutoApproval(
        **{
            name: reader.number(join(path, name), fields.get(name, 0.0), least=0, most=most[name])
            for name in BOUNDS
        }
    )
