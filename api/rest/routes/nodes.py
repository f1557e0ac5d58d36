"""GPU nodes: heartbeats in, the state of the fleet out."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Request, Response
from pydantic import PlainValidator

from api.rest.bodies import just_one
from api.rest.dependencies import PAGE_SIZE, After, Limit, NameFilter, StoreDep, problems
from api.rest.etags import CONDITIONAL, NOT_MODIFIED, fresh, record_etag
from api.rest.paging import named_page
from api.rest.schemas.common import NamedPage
from api.rest.schemas.nodes import HeartbeatBody, NodeOut
from dispatcher.contract.node_file import NAME
from planner.service import nodes
from planner.service.submission import Submission

router = APIRouter(tags=["nodes"])

Heartbeat = Annotated[
    Submission[dict[str, Any]],
    PlainValidator(just_one(HeartbeatBody), json_schema_input_type=HeartbeatBody),
    Body(),
]
NodeId = Annotated[str, Path(pattern=f"^{NAME.pattern}$", description="The node's name.")]


@router.put("/nodes/{node_id}", responses=problems(404, 413))
def put_heartbeat(store: StoreDep, node_id: NodeId, body: Heartbeat) -> NodeOut:
    """Take a node's heartbeat in place of the one before; a node is known from its first one on."""
    return NodeOut.model_validate(nodes.hear(store, node_id, body))


@router.get("/nodes", responses=problems())
def list_nodes(
    store: StoreDep, name: NameFilter = None, limit: Limit = PAGE_SIZE, after: After = None
) -> NamedPage[NodeOut]:
    """Nodes that were ever heard of, by name."""
    found = nodes.nodes(store, name=name, after=after, limit=limit + 1)
    return named_page(NamedPage[NodeOut], found, limit, lambda each: each.id)


@router.get(
    "/nodes/{node_id}",
    response_model=NodeOut,
    responses=NOT_MODIFIED | problems(404),
    dependencies=[CONDITIONAL],
)
def get_node(store: StoreDep, node_id: NodeId, request: Request, response: Response) -> Any:
    """One node, and its last heartbeat."""
    found = nodes.node(store, node_id)
    return fresh(request, response, record_etag(found)) or found
