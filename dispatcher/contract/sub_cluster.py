"""What a dispatcher must know to run one sub-cluster of a plan."""

from __future__ import annotations

import msgspec

from dispatcher.core.delays import Delays
from dispatcher.core.rules import Rules

LIVE_RULES = Rules(time_quantile=0.9)
"""Where nothing else is asked for: real execution times vary (docs/decisions/0010)."""


class Tensor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    One input or output.

    ``shape`` leaves out the batch dimension, ``datatype`` is one of the Open Inference Protocol.
    """

    name: str
    datatype: str
    shape: tuple[int, ...]


class ModelBackend(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    What executes the model.

    ``emulated`` takes exactly its curve's time, ``onnx`` and ``torch`` compute ``path``.

    ``batch_sizes``, ascending, are the only ones the network is run at: a batch is filled up to the next.
    A file that fixes its batch dimension needs none.
    """

    kind: str = "emulated"
    path: str | None = None
    batch_sizes: tuple[int, ...] = ()


class ServedModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    One model of the sub-cluster.

    ``latency_us[b]`` is the time of a batch of b, entry 0 is 0; its length less one is the largest batch.
    ``weights_gib`` and ``workspace_gib_per_item`` are what an emulated GPU counts; a real one counts itself.
    """

    id: str
    slo_us: int
    latency_us: tuple[int, ...]
    inputs: tuple[Tensor, ...] = (Tensor("input", "FP32", (4,)),)
    outputs: tuple[Tensor, ...] = (Tensor("output", "FP32", (4,)),)
    backend: ModelBackend = ModelBackend()
    queue_max: int = 10_000
    weights_gib: float = 0.0
    workspace_gib_per_item: float = 0.0


class LoadReporting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where load reports go (``POST {url}/v1/observed-load``), for which fleet, and how often."""

    url: str
    interval_s: float = 5.0
    fleet: str = "default"


class Tenant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    One of those whose requests share the GPUs; a request names its tenant by ``id``.

    ``weight`` and ``priority`` are as in ``dispatcher.core.tenant_spec.TenantSpec``.
    """

    id: str
    weight: int = 1
    priority: int = 0


class SubClusterSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    One sub-cluster of one plan version, as its dispatcher runs it.

    Without ``tenants`` all requests are of one. With them, a request that names none is the first's.
    """

    id: str
    plan_version: int
    gpus: int
    models: tuple[ServedModel, ...]
    rules: Rules = LIVE_RULES
    delays: Delays = Delays()
    reporting: LoadReporting | None = None
    tenants: tuple[Tenant, ...] = ()
