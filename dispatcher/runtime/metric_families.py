"""Every metric of a dispatcher: the one list that /metrics, the docs, dashboards and alerts are held to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Family:
    """One metric; ``kind`` is Prometheus' word, ``labels`` in the order in which they are written."""

    name: str
    kind: str
    text: str
    labels: tuple[str, ...] = ()

    @property
    def series(self) -> tuple[str, ...]:
        """The names that a query may use."""
        if self.kind == "histogram":
            return tuple(f"{self.name}_{part}" for part in ("bucket", "sum", "count"))
        return (self.name,)


FAMILIES = {
    family.name: family
    for family in (
        Family("fermata_requests_total", "counter", "Requests answered, by outcome.", ("model", "outcome")),
        Family(
            "fermata_refusals_total",
            "counter",
            "Requests answered without result, by reason.",
            ("model", "reason"),
        ),
        Family(
            "fermata_tenant_requests_total", "counter", "Requests answered, by tenant.", ("tenant", "outcome")
        ),
        Family("fermata_batch_size", "histogram", "Requests in an executed batch.", ("model",)),
        Family(
            "fermata_queue_seconds",
            "histogram",
            "From a request's arrival to its batch's execution.",
            ("model",),
        ),
        Family("fermata_execution_seconds", "histogram", "Measured execution time of a batch.", ("model",)),
        Family(
            "fermata_gpu_busy_seconds_total", "counter", "Measured execution time of batches.", ("model",)
        ),
        Family(
            "fermata_profiled_seconds_total",
            "counter",
            "What the profile says that the executed batches take.",
            ("model",),
        ),
        Family("fermata_gpu_execution_seconds_total", "counter", "Execution time of one GPU.", ("gpu",)),
        Family("fermata_goodput_rps", "gauge", "Requests answered in time, last five seconds.", ("model",)),
        Family(
            "fermata_bad_rate",
            "gauge",
            "Share late, dropped, rejected, failed, last five seconds.",
            ("model",),
        ),
        Family(
            "fermata_execution_drift",
            "gauge",
            "Measured over profiled execution time, last five seconds.",
            ("model",),
        ),
        Family(
            "fermata_gpu_busy_share", "gauge", "Share of the GPUs' time that executes, last five seconds."
        ),
        Family(
            "fermata_gpus_idle_tail",
            "gauge",
            "GPUs at the end of the list without a batch, last five seconds.",
        ),
        Family("fermata_requests_pending", "gauge", "Requests accepted and not yet answered."),
        Family("fermata_gpus", "gauge", "GPUs that the plan gives this sub-cluster."),
        Family("fermata_gpus_ready", "gauge", "GPUs whose worker serves."),
        Family("fermata_gpus_advised", "gauge", "GPUs that the observed load asks for."),
        Family("fermata_hold_factor", "gauge", "Share of the deferral that candidates wait, 0 to 1."),
        Family("fermata_plan_version", "gauge", "Version of the plan that is served."),
    )
}
