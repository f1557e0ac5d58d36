"""The tenants of a scenario file, and how each model's requests are divided among them."""

from __future__ import annotations

from dispatcher.core.tenant_spec import EVERYONE, PRIORITY_MAX, TENANTS_MAX, WEIGHT_MAX, TenantSpec
from dispatcher.simulation.reader import Reader, joined

SHARE_MAX = 1_000_000


def parse_tenants(reader: Reader, value: object) -> tuple[TenantSpec, ...]:
    """``tenants`` of the document; weight 1 and priority 0 where they are left out."""
    found: list[TenantSpec] = []
    for path, item in reader.items("tenants", value):
        given = reader.fields(path, item, ("id",), ("weight", "priority"))
        tenant_id = reader.text(f"{path}.id", given.get("id", "-"))
        if tenant_id in (tenant.tenant_id for tenant in found):
            reader.refuse(f"{path}.id", tenant_id, "must not name two tenants")
        weight = reader.whole(f"{path}.weight", given.get("weight", 1), least=1, most=WEIGHT_MAX)
        priority = reader.whole(f"{path}.priority", given.get("priority", 0), least=0, most=PRIORITY_MAX)
        found.append(TenantSpec(tenant_id, weight, priority))
    if len(found) > TENANTS_MAX:
        reader.refuse("tenants", len(found), f"must be at most {TENANTS_MAX}")
    return tuple(found) or EVERYONE


def parse_tenant_shares(
    reader: Reader, path: str, value: object, tenants: tuple[TenantSpec, ...]
) -> tuple[float, ...]:
    """``tenants`` of a model: a share for each tenant, in their order, 0 for those it does not name."""
    if not isinstance(value, dict) or not value:
        reader.refuse(path, value, "must be an object of at least one tenant's share")
        return ()
    known = [tenant.tenant_id for tenant in tenants]
    for name in value:
        if name not in known:
            reader.refuse(joined(path, str(name)), value[name], "must be a tenant of the scenario")
    return tuple(
        reader.number(joined(path, name), value[name], above=0, most=SHARE_MAX) if name in value else 0.0
        for name in known
    )
