"""The active plan, asked of the planner over HTTP: only what is new, and at once when it is."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC
from email.utils import parsedate_to_datetime
from urllib.parse import quote

import httpx
import msgspec
import structlog

from dispatcher.contract.node_plan import NodePlan
from dispatcher.contract.sub_cluster import SubClusterSpec
from dispatcher.contract.sub_cluster_file import decode_sub_cluster
from dispatcher.runtime.credentials import planner_headers
from profiles.faults import InputInvalid

TIMEOUT_S = 10.0
CLOCK_OFF_S_MAX = 5.0
"""Beyond this the node says that its clock is wrong: its load reports bear wrong times."""

NO_SUCH_SUB_CLUSTER = "urn:fermata:problem:sub-cluster-not-found"
NO_ACTIVE_PLAN = "urn:fermata:problem:no-active-plan"
ORDERING, AT_ONCE = "ordering", "at_once"

_log = structlog.get_logger()


class PlannerAway(Exception):
    """The planner cannot be asked, or answers what no plan is; the text says which."""


class Home(msgspec.Struct, frozen=True):
    """A sub-cluster of the plan, the models that it is to serve, and whether it does."""

    id: str
    models: tuple[str, ...]
    is_serving: bool


class Rollout(msgspec.Struct, frozen=True):
    """How far the fleet is on its way to the active plan (``planner.service.rollouts.view.Progress``)."""

    activation_id: int
    plan_version: int
    state: str
    wave: int
    spares: tuple[str, ...] = ()


class PlanSource:
    """
    Asks ``{url}/v1/activations/current/rollout``, and for the specification of each sub-cluster.

    Of the node's ``spares`` only for those that the rollout goes through: one that has the name of a
    sub-cluster of the plan by mistake holds nothing. ``clock_off_s`` is how far this machine's clock is ahead
    of the planner's, as last seen.
    """

    def __init__(
        self, url: str, sub_clusters: Sequence[str], client: httpx.AsyncClient, *, spares: Sequence[str] = ()
    ) -> None:
        self._url = url.rstrip("/")
        self._sub_clusters = tuple(sub_clusters)
        self._spares = tuple(spares)
        self._client = client
        self.clock_off_s = 0.0
        self._ordering_etag: str | None = None

    async def news(self, etag: str | None, wait_s: float) -> NodePlan | None:
        """
        What is to be held now if it is another than that of ``etag``; None if not, or if there is none.

        The planner is asked to answer only when there are news or ``wait_s`` is over. While it orders the
        waves to another plan, what is held is kept. Raises ``PlannerAway``.
        """
        tag = self._ordering_etag or etag
        headers = {"if-none-match": tag} if tag else {}
        answer = await self._get(
            "/v1/activations/current/rollout", headers, {"wait_s": wait_s} if tag else {}, wait_s
        )
        self._compare_clocks(answer)
        if answer.status_code == 304 or _problem(answer) == NO_ACTIVE_PLAN:
            return None
        try:
            found = msgspec.convert(_document(answer), Rollout)
        except msgspec.ValidationError as error:
            raise PlannerAway(f"no rollout: {error}: {answer.text[:200]}") from error
        new_etag = answer.headers.get("etag", "")
        if found.state == ORDERING:
            self._ordering_etag = new_etag
            return None
        wave = None if found.state == AT_ONCE else found.wave
        open_spares = () if wave is None else (name for name in self._spares if name in found.spares)
        names = (*self._sub_clusters, *open_spares)
        specs = [await self._spec(found, wave, name) for name in names]
        self._ordering_etag = None
        own = tuple(spec for spec in specs if spec)
        return NodePlan(found.plan_version, new_etag, own, found.activation_id, wave)

    async def _spec(self, rollout: Rollout, wave: int | None, sub_cluster: str) -> SubClusterSpec | None:
        start = f"/v1/plans/{rollout.plan_version}"
        if wave is not None:
            start = f"/v1/activations/{rollout.activation_id}/waves/{wave}"
        answer = await self._get(f"{start}/sub-clusters/{quote(sub_cluster)}", {}, {}, 0)
        if _problem(answer) == NO_SUCH_SUB_CLUSTER:
            return None
        _document(answer)
        try:
            return decode_sub_cluster(answer.content)
        except InputInvalid as error:
            faults = "; ".join(str(fault) for fault in error.faults[:5])
            raise PlannerAway(f"plan {rollout.plan_version}, sub-cluster {sub_cluster}: {faults}") from error

    async def serving(self, version: int) -> tuple[Home, ...]:
        """
        The plan's sub-clusters, and which of them serve it already; none from a planner that does not tell.

        Raises ``PlannerAway``.
        """
        answer = await self._get(f"/v1/plans/{version}/serving", {}, {}, 0)
        if answer.status_code == 404:
            return ()
        found = _document(answer)
        try:
            return msgspec.convert(found.get("sub_clusters"), tuple[Home, ...])
        except msgspec.ValidationError as error:
            raise PlannerAway(f"plan {version}: who serves it: {error}") from error

    async def _get(
        self, path: str, headers: dict[str, str], query: dict[str, float], wait_s: float
    ) -> httpx.Response:
        try:
            return await self._client.get(
                self._url + path,
                headers=headers | planner_headers(),
                params=query,
                timeout=TIMEOUT_S + wait_s,
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise PlannerAway(f"{self._url}{path}: {error!r}") from error

    def _compare_clocks(self, answer: httpx.Response) -> None:
        stated = answer.headers.get("date")
        if stated is None:
            return
        try:
            planner_s = parsedate_to_datetime(stated).replace(tzinfo=UTC).timestamp()
        except ValueError:
            return
        was_off = abs(self.clock_off_s) > CLOCK_OFF_S_MAX
        self.clock_off_s = time.time() - planner_s
        is_off = abs(self.clock_off_s) > CLOCK_OFF_S_MAX
        if is_off and not was_off:
            _log.warning("clock_is_off", ahead_of_planner_s=round(self.clock_off_s, 1))


def _problem(answer: httpx.Response) -> str | None:
    """The type of the problem that a 404 tells of."""
    if answer.status_code != 404:
        return None
    try:
        found = msgspec.json.decode(answer.content)
    except msgspec.DecodeError:
        return None
    return found.get("type") if isinstance(found, dict) else None


def _document(answer: httpx.Response) -> dict[str, object]:
    if not answer.is_success:
        raise PlannerAway(f"{answer.request.url} answered {answer.status_code}: {answer.text[:200]}")
    try:
        found = msgspec.json.decode(answer.content)
    except msgspec.DecodeError as error:
        raise PlannerAway(f"{answer.request.url} answered no JSON: {error}") from error
    if not isinstance(found, dict):
        raise PlannerAway(f"{answer.request.url} answered no object: {answer.text[:200]}")
    return found
