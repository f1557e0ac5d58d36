"""What every server is put to: models, arrivals, GPUs that take alpha * b + beta milliseconds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatcher.simulation.arrivals import gamma_arrivals


@dataclass(frozen=True)
class Scenario:
    """
    ``shape`` is that of gamma inter-arrival times, 1 for Poisson; the rate is shared equally.

    Latencies are long and rates low on purpose: on two cores the processor must not be any server's limit.
    """

    name: str
    title: str
    models: int
    shape: float
    gpus: int = 4
    alpha_ms: float = 8.0
    beta_ms: float = 40.0
    batch_size_max: int = 16
    slo_ms: float = 300.0

    @property
    def model_names(self) -> list[str]:
        return [f"m{index}" for index in range(self.models)]

    @property
    def instances(self) -> int:
        """
        Of each model, for servers that ask for it: one on each GPU where there is one model, else one in all.

        With 8 models, Triton and mosec with an instance on every GPU took 57 requests/s: a batch goes to an
        instance before its GPU is free, and grows no more. With one instance each it waits and grows.
        """
        return self.gpus if self.models == 1 else 1

    @property
    def capacity_rps(self) -> float:
        """What the GPUs execute in full batches: no server can do more."""
        return self.gpus * self.batch_size_max / (self.alpha_ms * self.batch_size_max + self.beta_ms) * 1e3

    def arrivals(self, rate_rps: float, seconds: float, seed: int) -> list[tuple[float, str]]:
        """``(seconds from the start, model)``; each model draws for itself."""
        due = []
        for index, model in enumerate(self.model_names):
            random = np.random.default_rng([seed, index])
            times_us = gamma_arrivals(random, rate_rps / self.models, self.shape, round(seconds * 1e6))
            due += [(us / 1e6, model) for us in times_us.tolist()]
        return sorted(due)


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("hot", "one hot model on 4 GPUs", models=1, shape=1.0),
        Scenario("many", "8 models on 4 GPUs", models=8, shape=1.0),
        Scenario("bursty", "one model on 4 GPUs, bursty (gamma, shape 0.2)", models=1, shape=0.2),
    )
}
