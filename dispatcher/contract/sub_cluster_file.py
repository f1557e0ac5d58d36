"""The sub-cluster specification as a file: read with every fault at once, written as JSON."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

import msgspec

from dispatcher.contract.datatypes import NUMPY_BY_DATATYPE
from dispatcher.contract.reading import read_struct, shown
from dispatcher.contract.strings import BYTES, STRINGS_MAX
from dispatcher.contract.sub_cluster import LoadReporting, ServedModel, SubClusterSpec, Tenant, Tensor
from dispatcher.core.rules import Policy
from dispatcher.core.tenant_spec import PRIORITY_MAX, TENANTS_MAX, WEIGHT_MAX
from profiles.faults import Fault, InputInvalid

SUBJECT = "sub-cluster specification"
BACKEND_KINDS = ("emulated", "onnx", "torch")
TENSOR_ELEMENTS_MAX = 32 * 2**20
INSTANT_US_MAX = 24 * 3_600 * 1_000_000
GPUS_MAX = 4_096
GIB_MAX = 1e6


def parse_sub_cluster(data: object) -> SubClusterSpec:
    """
    The specification in ``data`` (JSON's dicts, lists and scalars).

    Raises ``InputInvalid`` with all faults.
    """
    faults: list[Fault] = []
    spec = read_struct(data, SubClusterSpec, "", faults)
    if spec is not None:
        faults.extend(_faults(spec))
    if faults or spec is None:
        raise InputInvalid(SUBJECT, faults)
    return spec


def decode_sub_cluster(text: str | bytes) -> SubClusterSpec:
    """The specification in JSON ``text``; a file that is not JSON is one fault."""
    try:
        data = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputInvalid(
            SUBJECT, [Fault("(whole)", shown(text), f"must be valid JSON ({error})")]
        ) from error
    return parse_sub_cluster(data)


def encode_sub_cluster(spec: SubClusterSpec) -> str:
    """JSON that ``decode_sub_cluster`` reads back to an equal specification."""
    return msgspec.json.format(msgspec.json.encode(spec), indent=2).decode()


def _faults(spec: SubClusterSpec) -> Iterator[Fault]:
    if not spec.id:
        yield Fault("id", shown(spec.id), "must not be empty")
    if spec.plan_version < 0:
        yield Fault("plan_version", shown(spec.plan_version), "must not be negative")
    if not 1 <= spec.gpus <= GPUS_MAX:
        yield Fault("gpus", shown(spec.gpus), f"must lie in 1..{GPUS_MAX}")
    if not spec.models:
        yield Fault("models", "[]", "must name at least one model")
    for index, model in enumerate(spec.models):
        yield from model_faults(model, f"models[{index}]")
    yield from _duplicates([model.id for model in spec.models], "models", "id")
    if spec.rules.policy is Policy.SHEPHERD:
        limit = "must not be shepherd, which preempts batches: workers execute each batch to its end"
        yield Fault("rules.policy", shown(spec.rules.policy), limit)
    if spec.reporting is not None:
        yield from _reporting_faults(spec.reporting)
    yield from _tenant_faults(spec.tenants)


def model_faults(model: ServedModel, path: str) -> Iterator[Fault]:
    """What is wrong with one model, each fault with its place below ``path``."""
    if not model.id:
        yield Fault(f"{path}.id", shown(model.id), "must not be empty")
    if not 1 <= model.slo_us <= INSTANT_US_MAX:
        yield Fault(f"{path}.slo_us", shown(model.slo_us), f"must lie in 1..{INSTANT_US_MAX}")
    if model.queue_max < 1:
        yield Fault(f"{path}.queue_max", shown(model.queue_max), "must be at least 1")
    for name in ("weights_gib", "workspace_gib_per_item"):
        value = getattr(model, name)
        if not 0 <= value <= GIB_MAX:
            yield Fault(f"{path}.{name}", shown(value), f"must lie in 0..{GIB_MAX:g}")
    yield from _latency_faults(model.latency_us, f"{path}.latency_us")
    for side, tensors in (("inputs", model.inputs), ("outputs", model.outputs)):
        if not tensors:
            yield Fault(f"{path}.{side}", "[]", "must declare at least one tensor")
        yield from _duplicates([tensor.name for tensor in tensors], f"{path}.{side}", "name")
        for index, tensor in enumerate(tensors):
            yield from _tensor_faults(tensor, f"{path}.{side}[{index}]")
    yield from _backend_faults(model, f"{path}.backend")


def _backend_faults(model: ServedModel, path: str) -> Iterator[Fault]:
    backend = model.backend
    if backend.kind not in BACKEND_KINDS:
        yield Fault(f"{path}.kind", shown(backend.kind), f"must be one of {', '.join(BACKEND_KINDS)}")
    if backend.kind in ("onnx", "torch") and not backend.path:
        yield Fault(f"{path}.path", shown(backend.path), "must name the model's file")
    if backend.kind == "torch" and any(each.datatype == BYTES for each in (*model.inputs, *model.outputs)):
        yield Fault(f"{path}.kind", shown(backend.kind), "must be emulated or onnx for tensors of BYTES")
    sizes = backend.batch_sizes
    if not sizes:
        return
    if sizes[0] < 1 or any(b <= a for a, b in itertools.pairwise(sizes)):
        yield Fault(f"{path}.batch_sizes", shown(list(sizes)), "must be at least 1 and ascend")
    elif sizes[-1] < len(model.latency_us) - 1:
        limit = f"must reach the largest batch, {len(model.latency_us) - 1}"
        yield Fault(f"{path}.batch_sizes", shown(list(sizes)), limit)


def _latency_faults(latency_us: tuple[int, ...], path: str) -> Iterator[Fault]:
    if len(latency_us) < 2:
        yield Fault(path, shown(list(latency_us)), "must have entry 0 and at least one batch size")
        return
    if latency_us[0] != 0:
        yield Fault(f"{path}[0]", shown(latency_us[0]), "must be 0")
    for size in range(1, len(latency_us)):
        if not 1 <= latency_us[size] <= INSTANT_US_MAX:
            yield Fault(f"{path}[{size}]", shown(latency_us[size]), f"must lie in 1..{INSTANT_US_MAX}")
        elif latency_us[size] < latency_us[size - 1]:
            limit = f"must not be below the batch before it, {latency_us[size - 1]}"
            yield Fault(f"{path}[{size}]", shown(latency_us[size]), limit)


def _tensor_faults(tensor: Tensor, path: str) -> Iterator[Fault]:
    if not tensor.name:
        yield Fault(f"{path}.name", shown(tensor.name), "must not be empty")
    if tensor.datatype not in NUMPY_BY_DATATYPE:
        known = ", ".join(NUMPY_BY_DATATYPE)
        yield Fault(f"{path}.datatype", shown(tensor.datatype), f"must be one of {known}")
    for axis, extent in enumerate(tensor.shape):
        if extent < 1:
            yield Fault(f"{path}.shape[{axis}]", shown(extent), "must be at least 1")
    most = elements_max(tensor.datatype)
    if math.prod(tensor.shape) > most:
        yield Fault(f"{path}.shape", shown(list(tensor.shape)), f"must hold at most {most} elements")


def elements_max(datatype: str) -> int:
    """The most elements of a tensor, for one item."""
    return STRINGS_MAX if datatype == BYTES else TENSOR_ELEMENTS_MAX


def _reporting_faults(reporting: LoadReporting) -> Iterator[Fault]:
    address = urlsplit(reporting.url)
    if address.scheme not in ("http", "https") or not address.netloc:
        yield Fault("reporting.url", shown(reporting.url), "must be an http or https address")
    if not (math.isfinite(reporting.interval_s) and reporting.interval_s > 0):
        yield Fault("reporting.interval_s", shown(reporting.interval_s), "must be a finite number > 0")


def _tenant_faults(tenants: Sequence[Tenant]) -> Iterator[Fault]:
    if len(tenants) > TENANTS_MAX:
        yield Fault("tenants", f"{len(tenants)} tenants", f"must be at most {TENANTS_MAX}")
    for index, tenant in enumerate(tenants):
        path = f"tenants[{index}]"
        if not tenant.id:
            yield Fault(f"{path}.id", shown(tenant.id), "must not be empty")
        if not 1 <= tenant.weight <= WEIGHT_MAX:
            yield Fault(f"{path}.weight", shown(tenant.weight), f"must lie in 1..{WEIGHT_MAX}")
        if not 0 <= tenant.priority <= PRIORITY_MAX:
            yield Fault(f"{path}.priority", shown(tenant.priority), f"must lie in 0..{PRIORITY_MAX}")
    yield from _duplicates([tenant.id for tenant in tenants], "tenants", "id")


def _duplicates(names: Sequence[str], path: str, field: str) -> Iterator[Fault]:
    for name, count in Counter(names).items():
        if count > 1:
            yield Fault(f"{path}[].{field}", shown(name), f"must be unique, appears {count} times")
