"""
A PyTorch network in a file: an exported program or TorchScript, told apart by content, not by suffix.

What the file says of its inputs is checked against what the model declares, so that a wrong name, shape
or datatype shows when the model is loaded and not with the first request.
"""

from __future__ import annotations

import io
import logging
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from dispatcher.backends.backend import BackendError, ModelUnfit, load_error
from dispatcher.contract.sub_cluster import Tensor

TYPE_BY_DATATYPE = {
    "BOOL": "bool",
    "UINT8": "uint8",
    "UINT16": "uint16",
    "UINT32": "uint32",
    "UINT64": "uint64",
    "INT8": "int8",
    "INT16": "int16",
    "INT32": "int32",
    "INT64": "int64",
    "FP16": "float16",
    "FP32": "float32",
    "FP64": "float64",
}
BFLOAT16 = "bfloat16"
BATCH = "batch"
BEFORE_2_8 = "serialized_exported_program.json"
"""The file in the archive that older versions of ``torch.export.save`` wrote."""

TRAINING_ARGUMENT = {"dropout": 2, "batch_norm": 5}
"""Which argument of an operator says that it was exported while training."""

SCRIPT_RUNS_TO_WARM = 3
"""TorchScript watches its first run, optimizes before the second, and is quick from the third on."""


class Form(StrEnum):
    """What an archive written by PyTorch holds."""

    EXPORTED = "an exported program"
    SCRIPT = "TorchScript"
    COMPILED = "a package compiled by AOTInductor"
    WEIGHTS = "pickled objects or weights alone (torch.save)"


@dataclass(frozen=True, slots=True)
class FileInput:
    """
    One input as the file has it.

    ``type`` and ``shape`` are None where the file does not say; an extent that is free is None. The
    batch is the first dimension of ``shape``. ``may_lack``: the network does without it.
    """

    name: str
    type: str | None = None
    shape: tuple[int | None, ...] | None = None
    may_lack: bool = False


@dataclass(frozen=True, slots=True)
class Network:
    """
    A network on its device.

    ``call`` takes one tensor of the device for each name. ``runs_to_warm`` is how many runs of one shape
    it needs before its times are steady.
    """

    call: Callable[[Mapping[str, Any]], Any]
    inputs: tuple[FileInput, ...]
    form: Form
    runs_to_warm: int = 1
    weights: tuple[Any, ...] = ()

    @property
    def fixed_batch(self) -> int | None:
        """The one batch size that the file takes; None where any, or where it does not say."""
        first = {each.shape[0] for each in self.inputs if each.shape}
        return first.pop() if len(first) == 1 else None


def load_network(torch: Any, path: Path, device: Any) -> Network:
    """Raises ``BackendError``, which names the file, where there is no network that could be called."""
    form = form_of(path)
    try:
        if form is Form.EXPORTED:
            return _exported(torch, path, device)
        return _script(torch, path, device)
    except BackendError:
        raise
    except Exception as error:
        raise load_error(f"cannot load {path} as {form}: {reason_of(error)}", error) from error


@cache
def import_reader(torch: Any) -> None:
    """Have PyTorch import what it reads exported programs with, 100 MB in two seconds: by reading one."""
    program = torch.export.export(torch.nn.Identity(), (torch.zeros(1),))
    file = io.BytesIO()
    torch.export.save(program, file)
    file.seek(0)
    torch.export.load(file)


def form_of(path: Path) -> Form:
    """What the file holds. Raises ``BackendError`` unless it is one of the two forms that are served."""
    if not path.is_file():
        raise ModelUnfit(f"no file {path}")
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for full in archive.namelist() for name in (full, full.partition("/")[2])]
    except (OSError, zipfile.BadZipFile) as error:
        raise ModelUnfit(f"cannot load {path}: cut short, or not written by PyTorch ({error})") from error
    form = Form.WEIGHTS
    if BEFORE_2_8 in names or any(re.fullmatch(r"models/.+\.json", name) for name in names):
        form = Form.EXPORTED
    elif any(name.startswith("data/aotinductor/") for name in names):
        form = Form.COMPILED
    elif "constants.pkl" in names:
        form = Form.SCRIPT
    if form in (Form.EXPORTED, Form.SCRIPT):
        return form
    raise ModelUnfit(
        f"cannot load {path}: it holds {form}; an exported program (torch.export.save) or"
        " TorchScript (torch.jit.save) is needed"
    )


def check_inputs(torch: Any, path: Path, network: Network, declared: Sequence[Tensor]) -> None:
    """Raises ``BackendError`` unless the file takes what is declared, in whatever order."""
    names, wanted = [each.name for each in network.inputs], [tensor.name for tensor in declared]
    needed = [each.name for each in network.inputs if not each.may_lack]
    if not set(needed) <= set(wanted) <= set(names):
        raise ModelUnfit(f"{path}: the file's inputs are {names}, declared are {wanted}")
    by_name = {tensor.name: tensor for tensor in declared}
    for found in network.inputs:
        tensor = by_name.get(found.name)
        if tensor is None:
            continue
        type_given = TYPE_BY_DATATYPE[tensor.datatype]
        if found.type not in (None, type_given) and (found.type, type_given) != (BFLOAT16, "float32"):
            right = "FP32" if found.type == BFLOAT16 else _datatype(found.type)
            raise ModelUnfit(
                f"{path}: input {found.name} is {found.type} in the file and needs {right},"
                f" declared is {tensor.datatype}"
            )
        if found.shape is not None and not _fits(found.shape, tensor.shape):
            shape = [BATCH, *("any" if extent is None else extent for extent in found.shape[1:])]
            raise ModelUnfit(
                f"{path}: input {found.name} has shape {shape if found.shape else []} in the file,"
                f" declared is {[BATCH, *tensor.shape]}"
            )


def reason_of(error: BaseException) -> str:
    """Why, in one line: TorchScript says so behind its whole call stack."""
    lines = [line for line in str(error).strip().splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    behind = [line for line in lines if re.match(r"(\w+\.)*\w*(Error|Exception)\b.*: ", line)]
    return (behind[-1] if behind and "TorchScript" in lines[0] else lines[0]).strip()


def _fits(found: tuple[int | None, ...], declared: tuple[int, ...]) -> bool:
    return len(found) == 1 + len(declared) and all(
        extent in (None, wanted) for extent, wanted in zip(found[1:], declared, strict=True)
    )


def _datatype(type_name: str | None) -> str:
    known = {name: datatype for datatype, name in TYPE_BY_DATATYPE.items()}
    return known.get(type_name or "", "a datatype that the protocol does not have")


def _exported(torch: Any, path: Path, device: Any) -> Network:
    logging.getLogger("torch.export").setLevel(logging.CRITICAL)  # it would print what is raised as well
    program = torch.export.load(str(path))
    trained = sorted(set(_trained(program)))
    if trained:
        raise ModelUnfit(
            f"{path}: exported while training ({', '.join(trained)}); call eval() on the network first"
        )
    if device.type != "cpu":  # tensors that the network makes are on the device that it was exported on
        program = import_module("torch.export.passes").move_to_device_pass(program, device)
    module = program.module()
    positional, by_name = program.example_inputs or ((None,) * len(program.graph_signature.user_inputs), {})
    names = list(program.graph_signature.user_inputs)
    if len(positional) + len(by_name) != len(names) or not all(isinstance(name, str) for name in names):
        raise ModelUnfit(f"{path}: its inputs must be tensors, not containers of tensors or constants")
    front = names[: len(positional)]

    def call(tensors: Mapping[str, Any]) -> Any:
        return module(*(tensors[name] for name in front), **{name: tensors[name] for name in by_name})

    values = {node.name: node.meta["val"] for node in program.graph.nodes if node.op == "placeholder"}
    inputs = [
        _file_input(path, torch, name, values[node])
        for name, node in zip([*front, *by_name], names, strict=True)
    ]
    weights = (*program.state_dict.values(), *program.constants.values())
    return Network(call, tuple(inputs), Form.EXPORTED, weights=weights)


def _file_input(path: Path, torch: Any, name: str, value: Any) -> FileInput:
    if not isinstance(value, torch.Tensor):
        raise ModelUnfit(f"{path}: input {name} must be a tensor, is {value!r}")
    shape = tuple(extent if isinstance(extent, int) else None for extent in value.shape)
    return FileInput(name, str(value.dtype).removeprefix("torch."), shape)


def _trained(program: Any) -> Iterator[str]:
    for node in program.graph.nodes:
        name = str(node.target).removeprefix("aten.").partition(".")[0]
        place = TRAINING_ARGUMENT.get(name) if node.op == "call_function" else None
        if place is not None and len(node.args) > place and node.args[place] is True:
            yield name


def _script(torch: Any, path: Path, device: Any) -> Network:
    module = torch.jit.load(str(path), map_location=device).eval()
    inputs = []
    for argument in module.forward.schema.arguments[1:]:
        if str(argument.type) in ("Tensor", "Optional[Tensor]"):
            inputs.append(FileInput(argument.name, may_lack=argument.has_default_value()))
        elif not argument.has_default_value():
            raise ModelUnfit(f"{path}: input {argument.name} must be a tensor, is {argument.type}")
    weights = (*module.parameters(), *module.buffers())

    def call(tensors: Mapping[str, Any]) -> Any:
        return module(**tensors)

    return Network(call, tuple(inputs), Form.SCRIPT, SCRIPT_RUNS_TO_WARM, weights)
