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

_log = structlog.get_logger()


class PlannerAway(Exception):
    """The planner cannot be asked, or answers what no plan is; the text says which."""


class Home(msgspec.Struct, frozen=True):
    """A sub-cluster of the plan, the models that it is to serve, and whether it does."""

    id: str
    models: tuple[str, ...]
    is_serving: bool


class PlanSource:
    """
    Asks ``{url}/v1/activations/current``, and for the specification of each sub-cluster.

    ``clock_off_s`` is how far this machine's clock is ahead of the planner's, as last seen.
    """

    def __init__(self, url: str, sub_clusters: Sequence[str], client: httpx.AsyncClient) -> None:
        self._url = url.rstrip("/")
        self._sub_clusters = tuple(sub_clusters)
        self._client = client
        self.clock_off_s = 0.0

    async def news(self, etag: str | None, wait_s: float) -> NodePlan | None:
        """
        The active plan if it is another than that of ``etag``; None if not, or if there is none.

        The planner is asked to answer only when there are news or ``wait_s`` is over. Raises ``PlannerAway``.
        """
        headers = {"if-none-match": etag} if etag else {}
        answer = await self._get(
            "/v1/activations/current", headers, {"wait_s": wait_s} if etag else {}, wait_s
        )
        self._compare_clocks(answer)
        if answer.status_code == 304 or _problem(answer) == NO_ACTIVE_PLAN:
            return None
        activation = _document(answer)
        try:
            version = msgspec.convert(activation["plan_version"], int)
        except (KeyError, TypeError, msgspec.ValidationError) as error:
            raise PlannerAway(f"an activation without a plan version: {answer.text[:200]}") from error
        specs = [await self._spec(version, sub_cluster) for sub_cluster in self._sub_clusters]
        return NodePlan(version, answer.headers.get("etag", ""), tuple(spec for spec in specs if spec))

    async def _spec(self, version: int, sub_cluster: str) -> SubClusterSpec | None:
        path = f"/v1/plans/{version}/sub-clusters/{quote(sub_cluster)}"
        answer = await self._get(path, {}, {}, 0)
        if _problem(answer) == NO_SUCH_SUB_CLUSTER:
            return None
        _document(answer)
        try:
            return decode_sub_cluster(answer.content)
        except InputInvalid as error:
            faults = "; ".join(str(fault) for fault in error.faults[:5])
            raise PlannerAway(f"plan {version}, sub-cluster {sub_cluster}: {faults}") from error

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
