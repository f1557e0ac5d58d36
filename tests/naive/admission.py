"""The rules of ``dispatcher.core.admission`` stated plainly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dispatcher.core.tenant_spec import TenantSpec

BUCKET_US = 50_000


@dataclass(eq=False)
class NaiveTenant:
    spec: TenantSpec
    offered_ns: int = 0
    demand_ns: int = 0
    saved_ns: int = 0
    is_limited: bool = False


class NaiveAdmission:
    """Lets requests in, or not; ``lost`` and ``admitted`` count requests of the current bucket."""

    def __init__(self, tenants: Sequence[TenantSpec]) -> None:
        self.tenants = [NaiveTenant(spec) for spec in tenants]
        self.bucket: int | None = None
        self.capacity_ppm = 1_000_000
        self.lost = self.admitted = 0

    def lets_in(self, tenant: int, cost_ns: int, now_us: int, gpus_ppm: Sequence[int]) -> bool:
        """``gpus_ppm`` is the speed of each GPU here, compared to the fastest known."""
        if len(self.tenants) == 1:
            return True
        bucket = now_us // BUCKET_US
        if bucket != self.bucket:
            self._share_out(1 if self.bucket is None else bucket - self.bucket, gpus_ppm)
            self.bucket = bucket
        one = self.tenants[tenant]
        one.offered_ns += cost_ns
        if one.is_limited and one.saved_ns < cost_ns:
            return False
        if one.is_limited:
            one.saved_ns -= cost_ns
        self.admitted += 1
        return True

    def _share_out(self, passed: int, gpus_ppm: Sequence[int]) -> None:
        if self.lost > self.admitted / 100:
            self.capacity_ppm = max(300_000, self.capacity_ppm * 97 // 100)
        else:
            self.capacity_ppm = min(1_000_000, self.capacity_ppm + 2_000 * passed)
        self.lost = self.admitted = 0
        for tenant in self.tenants:
            change_ns = tenant.offered_ns // passed - tenant.demand_ns
            tenant.demand_ns += change_ns * min(passed, 8) // 8
            tenant.offered_ns = 0
        nominal_ns = sum(
            gpus_ppm.count(speed) * speed * BUCKET_US * 1_000 // 1_000_000 for speed in set(gpus_ppm)
        )
        capacity_ns = nominal_ns * self.capacity_ppm // 1_000_000
        if sum(tenant.demand_ns for tenant in self.tenants) <= capacity_ns:
            for tenant in self.tenants:
                tenant.is_limited, tenant.saved_ns = False, 0
            return
        for priority in sorted({tenant.spec.priority for tenant in self.tenants}, reverse=True):
            capacity_ns = self._fill(
                [t for t in self.tenants if t.spec.priority == priority], capacity_ns, passed
            )

    def _fill(self, tenants: list[NaiveTenant], left_ns: int, passed: int) -> int:
        """Share out among tenants of one priority; what is left for the next."""
        while tenants:
            weight = sum(tenant.spec.weight for tenant in tenants)
            parts_ns = {id(tenant): left_ns * tenant.spec.weight // weight for tenant in tenants}
            content = [tenant for tenant in tenants if tenant.demand_ns <= parts_ns[id(tenant)]]
            for tenant in content or tenants:
                share_ns = min(tenant.demand_ns, parts_ns[id(tenant)])
                tenant.is_limited = not content
                tenant.saved_ns = min(tenant.saved_ns + passed * share_ns, 20 * share_ns)
            if not content:
                return 0
            left_ns -= sum(tenant.demand_ns for tenant in content)
            tenants = [tenant for tenant in tenants if tenant not in content]
        return left_ns
