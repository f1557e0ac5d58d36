"""GPU nodes: heartbeats in, the state of the fleet out."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Path
from pydantic import PlainValidator

from api.rest.bodies import just_one
from api.rest.dependencies import StoreDep, problems
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
def list_nodes(store: StoreDep) -> list[NodeOut]:
    """Every node that was ever heard of, by name."""
    return [NodeOut.model_validate(found) for found in nodes.nodes(store)]


@router.get("/nodes/{node_id}", responses=problems(404))
def get_node(store: StoreDep, node_id: NodeId) -> NodeOut:
    """One node, and its last heartbeat."""
    return NodeOut.model_validate(nodes.node(store, node_id))
