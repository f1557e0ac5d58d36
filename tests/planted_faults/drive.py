"""
Drive the scheduler of the package found first on the path, and its slow twin, through runs drawn from seeds.

``python -m tests.planted_faults.drive FOLDER``: the core must be the one in FOLDER. Ends with 0
when nothing was found, with FOUND when a check failed, and says which on its last line.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dispatcher.core import outbox, scheduler
from dispatcher.core.delays import Delays
from dispatcher.core.events import Command, DropRequest, Event, StartBatch
from dispatcher.core.model_spec import ModelSpec
from dispatcher.core.rules import DropRule, Policy, Rules
from dispatcher.core.tenant_spec import TenantSpec
from tests.property.test_core_twin import Regime, Twins

FOUND = 3
SEEDS = range(400)
"""A regime each; every policy and every drop rule has its turn."""


def main(folder: Path) -> int:
    assert scheduler.__file__ is not None
    assert Path(scheduler.__file__).is_relative_to(folder), f"drives {scheduler.__file__}"
    for seed in SEEDS:
        try:
            drive(seed)
        except NameError:
            raise  # the fault is badly written
        except Exception as error:  # whatever the fault leads to
            print(f"seed {seed}: {error!r}"[:400])
            return FOUND
    return 0


def drive(seed: int) -> None:
    """One run of both twins; about every other one with an outbox that is nearly always full."""
    draw = random.Random(seed)
    outbox.STARTS_MAX, outbox.ROOM_BEYOND_ONE = draw.choice([(2, 0), (1_024, 4_096)])
    is_large, grid_us = draw.random() < 0.2, draw.choice([1, 2_000])
    twins = Bursts(regime(seed, draw, is_large, grid_us))
    twins.grid_us = grid_us
    twins.fast.__class__ = Sorted
    twins.run()


class Bursts(Twins):
    """Requests come in bursts, with pauses as long as the rate's memory; on a coarse grid instants meet."""

    grid_us: int

    def _arrivals(self) -> list[tuple[int, int, int, int]]:
        at_us, found = self.now_us, []
        for request_id in range(self.regime.requests):
            pause = self.random.random()
            if pause < 0.02:
                at_us += self.grid_us * round(self.random.uniform(0, 6_000_000) / self.grid_us)
            elif pause < 0.6:
                at_us += self._on_grid(self.random.expovariate(1 / self.regime.gap_us_mean))
            m = self.random.randrange(len(self.regime.models))
            spread_us = self._on_grid(self.random.uniform(-1, 1) * self.regime.deadline_spread_us)
            promise_us = self.regime.models[m].slo_us - self.regime.delays.resp_us
            found.append((at_us, m, request_id, at_us + promise_us + spread_us))
        return found

    def _on_grid(self, time_us: float) -> int:
        return self.grid_us * round(time_us / self.grid_us)


class Sorted(scheduler.Scheduler):
    """A small outbox is emptied between drops and starts: give them in the order of a large one."""

    def step(self, now_us: int, events: Sequence[Event]) -> list[Command]:
        sorted_commands: list[Command] = []
        drops: list[Command] = []
        starts: list[Command] = []
        for command in super().step(now_us, events):
            if isinstance(command, DropRequest):
                drops.append(command)
            elif isinstance(command, StartBatch):
                starts.append(command)
            else:  # stays where it is
                sorted_commands += [*drops, *starts, command]
                drops, starts = [], []
        return [*sorted_commands, *drops, *starts]


def regime(seed: int, draw: random.Random, is_large: bool, grid_us: int) -> Regime:
    """What the run is like; with whole multiples of the grid, instants meet."""
    policies, drops = list(Policy), [None, *DropRule]
    models, gpus = draw.randint(1, 20 if is_large else 3), draw.randint(1, 12 if is_large else 4)
    slowness = draw.choice([1, 1, 50])  # the rate counts where SLOs are long beside its buckets
    delays = [Delays(0, 0, 0), Delays(2_000, 0, 2_000), Delays(0, 2_000, 0)]
    if grid_us == 1:
        delays = [Delays(0, 0, 0), Delays(), Delays(100, 900, 500), Delays(2_000, 0, 0)]
    return Regime(
        seed=seed,
        rules=Rules(
            policies[seed % len(policies)],
            drops[seed // len(policies) % len(drops)],
            time_quantile=[None, 0.5, 0.99][seed % 3],
        ),
        delays=draw.choice(delays),
        speeds=tuple(draw.choice([0.5, 1.0, 1.0, 2.0]) for _ in range(gpus)),
        models=tuple(_model(index, draw, grid_us, slowness) for index in range(models)),
        requests=draw.randint(20, 150),
        gap_us_mean=slowness * draw.choice([100, 300, 1_000, 1_000, 5_000]),
        deadline_spread_us=slowness * draw.choice([0, 0, 20_000]),
        tenants=tuple(
            TenantSpec(f"t{index}", draw.randint(1, 4), draw.randint(0, 1))
            for index in range(draw.choice([1, 2, 3]))
        ),
        loses_gpus=draw.random() < 0.4,
        is_late=draw.random() < 0.4,
        paces=draw.choice([None, None, (0.9, 1.2), (0.3, 0.6), (0.5, 9.0)]),
    )


def _model(index: int, draw: random.Random, grid_us: int, slowness: int) -> ModelSpec:
    first = draw.randint(1, 8_000)
    steps = [draw.randint(0, 2_000) for _ in range(draw.randint(0, 15))]
    table_us = slowness * np.cumsum([first, *steps])
    slo_us = slowness * draw.randint(int(1.2 * first) + 3_000, 60_000)
    if grid_us > 1:
        table_us, slo_us = 2 * grid_us * (table_us // (2 * grid_us) + 1), grid_us * (slo_us // grid_us)
    return ModelSpec(f"m{index}", slo_us, np.array([0, *table_us]), draw.choice([3, 12, 100, 100]))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
