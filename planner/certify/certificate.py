"""The certificate: simulated evidence, sub-cluster by sub-cluster, that a plan keeps its SLOs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What the simulations of one sub-cluster in one epoch say of its bad rate."""

    PASSED = "passed"  # its whole confidence interval lies within the limit, no model lies above its own
    FAILED = "failed"  # its whole interval, or that of a model, lies above
    UNDECIDED = "undecided"  # the budget of simulations ended first; counts as not passed


@dataclass(frozen=True, slots=True)
class EpochEvidence:
    """
    Simulations of one sub-cluster in one epoch.

    Parameters
    ----------
    replications
        Independent simulations, each with arrivals of its own.
    requests
        Requests measured in all of them.
    bad_rate, bad_rate_low, bad_rate_high
        Share of requests late, dropped or rejected, and its confidence interval.
    worst_model, worst_model_bad_rate
        The model that fared worst, over all replications.
    models_over
        Models whose own interval lies above twice the limit, by name.
    gpu_busy_share, batch_size_mean
        Means over the replications.
    """

    epoch: int
    gpus: int
    rate_rps: float
    replications: int
    requests: int
    bad_rate: float
    bad_rate_low: float
    bad_rate_high: float
    verdict: Verdict
    worst_model: str
    worst_model_bad_rate: float
    models_over: tuple[str, ...]
    gpu_busy_share: float
    batch_size_mean: float


@dataclass(frozen=True, slots=True)
class SubClusterCertificate:
    """
    The evidence for one sub-cluster.

    ``gpus_planned`` is what the capacity model gave it, ``gpus_certified`` what the evidence is for;
    ``gpus_refused`` is the most that was tried below that and did not pass, or is below what batches of
    one need to keep their SLO, 0 where nothing was tried. Each is the largest count over the epochs.
    """

    sub_cluster: str
    gpus_planned: int
    gpus_certified: int
    gpus_refused: int
    evidence: tuple[EpochEvidence, ...]

    @property
    def passed(self) -> bool:
        return all(epoch.verdict is Verdict.PASSED for epoch in self.evidence)

    @property
    def bad_rate(self) -> float:
        """Of the worst epoch simulated."""
        return max((epoch.bad_rate for epoch in self.evidence), default=0.0)


@dataclass(frozen=True, slots=True)
class Certificate:
    """
    The evidence for a plan; it holds when every sub-cluster passed.

    ``confidence`` is the level of each verdict, ``seed`` makes the evidence repeatable.
    """

    problem_digest: str
    bad_rate_max: float
    confidence: float
    policy: str
    seed: int
    sub_clusters: tuple[SubClusterCertificate, ...]

    @property
    def passed(self) -> bool:
        return all(cluster.passed for cluster in self.sub_clusters)

    @property
    def bad_rate(self) -> float:
        """Of the worst sub-cluster."""
        return max((cluster.bad_rate for cluster in self.sub_clusters), default=0.0)
