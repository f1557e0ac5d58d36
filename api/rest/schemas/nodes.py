"""GPU nodes and their heartbeats."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict, Field

from api.rest.bodies import Entry, Strict
from api.rest.dependencies import INTEGER_MAX
from api.rest.schemas.common import Out
from dispatcher.contract.node_file import GPUS_MAX

Words = Annotated[str, Field(max_length=4_096)]
Version = Annotated[int, Field(ge=0, le=2**31 - 1)]
Count = Annotated[int, Field(ge=0, le=2**53)]

STATUS_EXAMPLE: dict[str, Any] = {
    "plan_version": 3,
    "plan_known": 3,
    "sent_at_s": 1_790_000_000.0,
    "clock_off_s": 0.2,
    "cache_fault": None,
    "planner_fault": None,
    "hold_s_max": 600.0,
    "spares": [{"id": "spare-gpu-7", "gpu_type": "A100-40GB", "zone": "zone-a", "gpus": 1}],
    "sub_clusters": [
        {
            "id": "A100-40GB/zone-a/1",
            "plan_version": 3,
            "fault": None,
            "waits_for": [],
            "activation_id": 3,
            "wave": 2,
            "dispatcher": {
                "state": "running",
                "pid": 4_711,
                "starts": 1,
                "plan_version": 3,
                "http_url": "http://127.0.0.1:8000",
            },
            "gpus": [
                {
                    "gpu": 0,
                    "device": "0",
                    "state": "running",
                    "pid": 4_712,
                    "starts": 1,
                    "memory_bytes": 1_073_741_824,
                    "models": ["resnet50"],
                    "fault": None,
                }
            ],
        }
    ],
}


class NodeDispatcherBody(Strict):
    """The dispatcher process of a sub-cluster."""

    state: Words
    pid: Count | None
    starts: Count
    plan_version: Version | None
    http_url: Words | None


class NodeGpuBody(Strict):
    """The worker process of a GPU; its memory is what its models took when they were loaded."""

    gpu: Annotated[int, Field(ge=0, lt=GPUS_MAX)]
    device: Words
    state: Words
    pid: Count | None
    starts: Count
    memory_bytes: Count | None
    models: Annotated[list[Words], Field(max_length=4_096)]
    fault: Words | None = Field(
        default=None,
        description="Why its worker last ended, a model that cannot be loaded; null once it serves.",
    )


class NodeSubClusterBody(Strict):
    """A node's part of one sub-cluster."""

    id: Words
    plan_version: Version | None
    fault: Words | None
    dispatcher: NodeDispatcherBody | None
    gpus: Annotated[list[NodeGpuBody], Field(max_length=GPUS_MAX)]
    waits_for: list[Words] = Field(
        default=[], max_length=4_096, description="Sub-clusters that are to serve the plan before it lets go."
    )
    activation_id: Annotated[int, Field(ge=0, le=INTEGER_MAX)] | None = Field(
        default=None, description="The activation whose wave it holds."
    )
    wave: Annotated[int, Field(ge=0, le=INTEGER_MAX)] | None = Field(
        default=None, description="The last wave that it has applied; null where there was none."
    )


class NodeSpareBody(Strict):
    """GPUs that the node keeps for rollouts: a sub-cluster of this id may be opened on them for a while."""

    id: Words
    gpu_type: Words
    zone: Words
    gpus: Annotated[int, Field(ge=1, le=GPUS_MAX)]


class HeartbeatBody(Entry[dict[str, Any]]):
    """How a node is: the plan it serves, the last it knows, its processes, and what is wrong."""

    model_config = ConfigDict(json_schema_extra={"examples": [STATUS_EXAMPLE]})
    subject: ClassVar[str] = "heartbeat"

    plan_version: Version | None
    plan_known: Version | None
    sent_at_s: float = Field(ge=0, le=1e11, description="The node's clock, in seconds since 1970.")
    clock_off_s: float = Field(ge=-1e11, le=1e11, description="How far its clock is ahead of the planner's.")
    cache_fault: Words | None
    planner_fault: Words | None
    hold_s_max: Annotated[float, Field(ge=0, le=86_400)] | None = Field(
        default=None, description="How long a wave may wait for a sub-cluster that does not come."
    )
    spares: list[NodeSpareBody] = Field(
        default=[], max_length=1_000, description="GPUs that it keeps for rollouts."
    )
    sub_clusters: Annotated[list[NodeSubClusterBody], Field(max_length=1_000)]

    def to_record(self) -> dict[str, Any]:
        return self.model_dump()


class NodeOut(Out):
    """A node and its last heartbeat."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [{"id": "gpu-7", "heard_at": "2026-10-01T12:00:00Z", "status": STATUS_EXAMPLE}]
        },
    )

    id: str
    heard_at: datetime
    status: dict[str, Any]
