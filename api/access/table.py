"""
Which scope each route takes, and how it finds the fleet: the only place that says so.

The gate lets nothing through that has no line here, and the server does not start with a route
that is missing. A route takes *any* of its scopes; what they carry is in ``planner.service.access``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from planner.service.access import Scope

READER, PLANNER, APPROVER, DISPATCHER, ADMIN = (
    Scope.READER,
    Scope.PLANNER,
    Scope.APPROVER,
    Scope.DISPATCHER,
    Scope.ADMIN,
)


class Reach(StrEnum):
    """What of the fleets a route touches."""

    FLEET = "fleet"  # the one that the query names, or the default one
    SHARED = "shared"  # reads what all fleets share
    ALL = "all"  # changes what all fleets share: only for grants of every fleet
    OWN = "own"  # its service looks at the grant itself


@dataclass(frozen=True, slots=True)
class Rule:
    """
    Parameters
    ----------
    scopes
        Any of them suffices; none at all: the route is public.
    fleet_in_path
        The path's parameter that names the fleet, where it is not the query.
    streams
        Its answer may take as long as it likes.
    costly
        Public, but counted by address.
    """

    scopes: frozenset[Scope]
    reach: Reach = Reach.FLEET
    fleet_in_path: str | None = None
    streams: bool = False
    costly: bool = False

    @property
    def is_public(self) -> bool:
        return not self.scopes


def _rule(*scopes: Scope, reach: Reach = Reach.FLEET, path: str | None = None, streams: bool = False) -> Rule:
    return Rule(frozenset(scopes), reach, path, streams)


READ = _rule(READER)
READ_SHARED = _rule(READER, reach=Reach.SHARED)
CHANGE_SHARED = _rule(PLANNER, reach=Reach.ALL)
READ_STREAM = _rule(READER, streams=True)
PLAN = _rule(PLANNER)
ADMINISTER = _rule(ADMIN)
APPROVE = _rule(APPROVER)
REPORT = _rule(DISPATCHER)
SERVE = _rule(DISPATCHER, READER)
SERVE_WAITING = _rule(DISPATCHER, READER, streams=True)
TOKENS = _rule(ADMIN, reach=Reach.OWN)
ANYBODY = _rule(*Scope, reach=Reach.OWN)
PUBLIC = Rule(frozenset(), Reach.SHARED)
PUBLIC_COSTLY = Rule(frozenset(), Reach.SHARED, costly=True)

RULES: dict[str, Rule] = {
    "GET /v1/openapi.json": PUBLIC,
    "GET /healthz": PUBLIC,
    "GET /readyz": PUBLIC_COSTLY,
    "POST /v1/fleets": _rule(ADMIN, reach=Reach.ALL),
    "GET /v1/fleets": _rule(READER, reach=Reach.ALL),
    "GET /v1/fleets/{fleet_id}": _rule(READER, path="fleet_id"),
    "PATCH /v1/fleets/{fleet_id}": _rule(ADMIN, path="fleet_id"),
    "GET /v1/fleets/{fleet_id}/advice": _rule(READER, path="fleet_id"),
    "GET /v1/audit": READ,
    "POST /v1/replays": PLAN,
    "POST /v1/gpu-types": CHANGE_SHARED,
    "GET /v1/gpu-types": READ_SHARED,
    "GET /v1/gpu-types/{gpu_type}": READ_SHARED,
    "PUT /v1/gpu-types/{gpu_type}": CHANGE_SHARED,
    "DELETE /v1/gpu-types/{gpu_type}": CHANGE_SHARED,
    "POST /v1/pools": PLAN,
    "GET /v1/pools": READ,
    "GET /v1/pools/{gpu_type}/{zone}": READ,
    "PUT /v1/pools/{gpu_type}/{zone}": PLAN,
    "DELETE /v1/pools/{gpu_type}/{zone}": PLAN,
    "POST /v1/models": CHANGE_SHARED,
    "GET /v1/models": READ_SHARED,
    "GET /v1/models/{model}": READ_SHARED,
    "PUT /v1/models/{model}": CHANGE_SHARED,
    "DELETE /v1/models/{model}": CHANGE_SHARED,
    "POST /v1/profiles": CHANGE_SHARED,
    "GET /v1/profiles": READ_SHARED,
    "GET /v1/profiles/{model}/{gpu_type}": READ_SHARED,
    "PUT /v1/profiles/{model}/{gpu_type}": CHANGE_SHARED,
    "DELETE /v1/profiles/{model}/{gpu_type}": CHANGE_SHARED,
    "POST /v1/forecasts": PLAN,
    "GET /v1/forecasts": READ,
    "GET /v1/forecasts/resolved": READ,
    "GET /v1/forecasts/{forecast_id}": READ,
    "GET /v1/demand/accuracy": READ,
    "POST /v1/observed-load": REPORT,
    "GET /v1/observed-load": READ,
    "GET /v1/observed-load/series": READ,
    "GET /v1/observed-load/reporters": READ,
    "GET /v1/profile-proposals": READ,
    "POST /v1/profile-proposals/search": CHANGE_SHARED,
    "GET /v1/profile-proposals/{proposal_id}": READ,
    "POST /v1/profile-proposals/{proposal_id}/acceptance": CHANGE_SHARED,
    "POST /v1/profile-proposals/{proposal_id}/rejection": CHANGE_SHARED,
    "GET /v1/profiles/{model}/{gpu_type}/versions": READ_SHARED,
    "GET /v1/plans/{version}/profiles": READ,
    "POST /v1/runs": PLAN,
    "GET /v1/runs": READ,
    "GET /v1/runs/{run_id}": READ,
    "GET /v1/runs/{run_id}/events": READ_STREAM,
    "DELETE /v1/runs/{run_id}": PLAN,
    "PUT /v1/schedule": PLAN,
    "GET /v1/schedule": READ,
    "DELETE /v1/schedule": PLAN,
    "GET /v1/schedule/slots": READ,
    "POST /v1/replans": PLAN,
    "POST /v1/webhooks": ADMINISTER,
    "GET /v1/webhooks": READ,
    "GET /v1/webhooks/{webhook_id}": READ,
    "DELETE /v1/webhooks/{webhook_id}": ADMINISTER,
    "GET /v1/webhooks/{webhook_id}/deliveries": READ,
    "POST /v1/webhooks/{webhook_id}/test": ADMINISTER,
    "GET /v1/plans": READ,
    "GET /v1/plans/{version}": READ,
    "GET /v1/plans/{version}/problem": READ,
    "GET /v1/plans/{version}/certificate": READ,
    "GET /v1/plans/{version}/difference": READ,
    "GET /v1/plans/{version}/explanation": READ,
    "GET /v1/plans/{version}/rollout": READ,
    "GET /v1/plans/{version}/sub-clusters/{sub_cluster:path}": SERVE,
    "GET /v1/plans/{version}/serving": SERVE,
    "POST /v1/plans/imported": PLAN,
    "POST /v1/plans/{version}/approval": APPROVE,
    "POST /v1/plans/{version}/rejection": APPROVE,
    "GET /v1/plans/{version}/history": READ,
    "POST /v1/activations": APPROVE,
    "GET /v1/activations": READ,
    "GET /v1/activations/current": SERVE_WAITING,
    "GET /v1/activations/current/rollout": SERVE_WAITING,
    "GET /v1/activations/current/routes": SERVE_WAITING,
    "GET /v1/activations/{activation_id}/waves/{wave}/sub-clusters/{sub_cluster:path}": SERVE,
    "PUT /v1/nodes/{node_id}": REPORT,
    "GET /v1/nodes": READ,
    "GET /v1/nodes/{node_id}": READ,
    "POST /v1/tokens": TOKENS,
    "GET /v1/tokens": TOKENS,
    "GET /v1/tokens/{token_id}": TOKENS,
    "POST /v1/tokens/{token_id}/rotation": TOKENS,
    "DELETE /v1/tokens/{token_id}": TOKENS,
    "GET /v1/me": ANYBODY,
    "GET /": PUBLIC,
    "GET /docs": PUBLIC,
    "GET /console": READ,
    "GET /console/rollout": READ,
    "GET /console/demand": READ,
    "GET /console/static": PUBLIC,
    "GET /console/sign-in": PUBLIC_COSTLY,
    "POST /console/sign-in": PUBLIC_COSTLY,
    "GET /console/sign-in/oidc": PUBLIC_COSTLY,
    "GET /console/sign-in/callback": PUBLIC_COSTLY,
    "POST /console/sign-out": PUBLIC,
}
