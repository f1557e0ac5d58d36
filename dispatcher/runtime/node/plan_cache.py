"""The last plan on disk: a node that starts while the planner is away serves it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import structlog

from dispatcher.contract.node_plan import NodePlan
from dispatcher.contract.sub_cluster_file import encode_sub_cluster, parse_sub_cluster
from dispatcher.runtime.files import write_atomically
from profiles.faults import InputInvalid

FILE_NAME = "plan.json"

_log = structlog.get_logger()


class PlanCache:
    """
    One file in ``folder``. Neither a full disk nor a broken file keeps the node from serving.

    ``fault`` says why the plan that is served is not on disk, None when it is.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE_NAME
        self.fault: str | None = None

    def load(self) -> NodePlan | None:
        """The plan that was kept; None when there is none that can be read."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            self._note_unreadable(str(error))
            return None
        try:
            data = msgspec.json.decode(content)
            specs = tuple(parse_sub_cluster(each) for each in data["sub_clusters"])
            wave = data.get("wave")
            return NodePlan(
                int(data["plan_version"]),
                str(data["etag"]),
                specs,
                int(data.get("activation_id", 0)),
                None if wave is None else int(wave),
            )
        except InputInvalid as error:
            self._note_unreadable("; ".join(str(fault) for fault in error.faults[:3]))
        except (
            msgspec.DecodeError,
            UnicodeDecodeError,
            KeyError,
            TypeError,
            ValueError,
            AttributeError,
        ) as error:
            self._note_unreadable(f"not a plan: {error!r}")
        return None

    def save(self, plan: NodePlan) -> None:
        """Keep the plan; a failure is logged and noted, and the plan served all the same."""
        content = {
            "plan_version": plan.plan_version,
            "etag": plan.etag,
            "activation_id": plan.activation_id,
            "wave": plan.wave,
            "sub_clusters": [msgspec.json.decode(encode_sub_cluster(spec)) for spec in plan.sub_clusters],
        }
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self.path, msgspec.json.encode(content))
        except OSError as error:
            if self.fault is None:
                _log.error("plan_not_kept", path=str(self.path), error=str(error))
            self.fault = f"{self.path}: {error}"
        else:
            self.fault = None

    def _note_unreadable(self, reason: str) -> None:
        self.fault = f"{self.path}: {reason}"
        _log.error("kept_plan_unreadable", path=str(self.path), reason=reason)
