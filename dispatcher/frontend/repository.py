"""
The repository extension: which models there are, and which of them are taken.

A plan says what a sub-cluster holds, and a door changes no plan: to unload a model is to
stop admitting requests for it, to load it is to admit them again. The workers keep it in memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import structlog

from dispatcher.contract.reading import shown
from dispatcher.frontend.descriptions import model_index
from dispatcher.frontend.infer_request import RequestInvalid
from dispatcher.frontend.service import InferenceService, Reason

_log = structlog.get_logger()


class ModelNotHere(RequestInvalid):
    """The sub-cluster's plan holds no such model."""

    def __init__(self, name: str) -> None:
        text = f"model: must be one that this sub-cluster serves, got {shown(name)}"
        super().__init__(text, 404, Reason.MODEL_NOT_HERE)


class _Body(msgspec.Struct):
    ready: bool = False
    parameters: dict[str, Any] | None = None


_decode = msgspec.json.Decoder(_Body).decode


class Repository:
    """The models of one service by their names. Its methods raise ``RequestInvalid``."""

    def __init__(self, service: InferenceService) -> None:
        self._service = service
        self._index = {model.id: index for index, model in enumerate(service.models)}

    def place(self, name: str) -> int:
        """The model's place in the service. Raises ``ModelNotHere``."""
        index = self._index.get(name)
        if index is None:
            raise ModelNotHere(name)
        return index

    def index(self, body: bytes) -> list[dict[str, str]]:
        return model_index(self._service, ready_only=_read(body).ready)

    def change(self, name: str, body: bytes, *, load: bool) -> None:
        self.set_admitted(name, _read(body).parameters or {}, load)

    def set_admitted(self, name: str, parameters: Mapping[str, Any], admitted: bool) -> None:
        """``unload_dependents`` has no effect: no model depends on another. Nothing else can be asked for."""
        index = self.place(name)
        for parameter, value in parameters.items():
            if admitted or parameter != "unload_dependents":
                limit = "must not be given: the plan says what a model is and who holds it"
                raise RequestInvalid(f"parameters.{parameter}: {limit}, got {shown(value)}")
        self._service.set_admitted(index, admitted)
        _log.info("model_loaded" if admitted else "model_unloaded", model=name)


def _read(body: bytes) -> _Body:
    try:
        return _decode(body) if body.strip() else _Body()
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RequestInvalid(f"body: must be a repository request in JSON: {error}") from error
    except RecursionError as error:
        raise RequestInvalid("body: must be a repository request in JSON: nested too deep") from error
