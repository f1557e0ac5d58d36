"""Whose a request is: the tenant that it names, or the one that its priority leads to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dispatcher.contract.reading import shown
from dispatcher.contract.sub_cluster import Tenant
from profiles.faults import Fault

TENANTS_SHOWN_MAX = 20


class Tenancy:
    """
    The tenants of a sub-cluster as requests name them.

    ``priority`` is a level as in Triton's protocol: 1 is the most urgent, one level for each
    distinct priority among the tenants. A level leads to the first tenant of that priority.
    0, or a level that there is not, leads to the default, the first tenant.
    """

    def __init__(self, tenants: Sequence[Tenant] = ()) -> None:
        self._index = {tenant.id: index for index, tenant in enumerate(tenants)}
        priorities = [tenant.priority for tenant in tenants] or [0]
        descending = sorted(set(priorities), reverse=True)
        self._first_of_level = [priorities.index(priority) for priority in descending]
        self.levels = len(descending)
        self.default_level = descending.index(priorities[0]) + 1

    def index_of(self, parameters: Mapping[str, Any], faults: list[Fault]) -> int:
        """
        The place of the request's tenant; a fault is appended for one that cannot be.

        Without tenants there is nobody to tell apart, and who names one means nothing by it.
        """
        level = parameters.get("priority")
        if level is not None and (not whole(level) or not 0 <= level < 2**64):
            faults.append(Fault("parameters.priority", shown(level), "must be a whole number >= 0"))
            return 0
        named = parameters.get("tenant")
        if named is not None and self._index:
            return self._named(named, faults)
        return self._first_of_level[level - 1] if level and level <= self.levels else 0

    def _named(self, name: object, faults: list[Fault]) -> int:
        index = self._index.get(name) if isinstance(name, str) else None
        if index is None:
            known = ", ".join(list(self._index)[:TENANTS_SHOWN_MAX])
            known += ", ..." if len(self._index) > TENANTS_SHOWN_MAX else ""
            faults.append(Fault("parameters.tenant", shown(name), f"must be one of {known}"))
        return index or 0


EVERYONE = Tenancy()
"""Where all requests are of one."""


def whole(value: object) -> bool:
    """A whole number, which True and False are not."""
    return isinstance(value, int) and not isinstance(value, bool)
