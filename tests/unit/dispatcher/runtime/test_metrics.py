from __future__ import annotations

import re
from collections import defaultdict

import pytest

from dispatcher.contract.sub_cluster import ServedModel
from dispatcher.frontend.service import Outcome, Reason
from dispatcher.runtime.load_meter import LoadMeter
from dispatcher.runtime.measures import INTERVAL_US, SINGLY_MAX, TIME_BOUNDS_S, Measures
from dispatcher.runtime.metric_families import FAMILIES
from dispatcher.runtime.metrics import metrics_text

NASTY = 'quote"back\\slash\n'
MODELS = (ServedModel("m", 50_000, (0, 4_000, 5_000, 6_000)), ServedModel(NASTY, 50_000, (0, 1_000)))
LINE = re.compile(r'^(?P<name>[a-z_]+)(?P<labels>\{([a-z]+="(\\.|[^"\\])*",?)+\})? (?P<value>\S+)$')


class Watched:
    """A meter and measures told the same, and the metrics they make."""

    def __init__(self, gpus: int = 4) -> None:
        self.gpus = gpus
        self.meter = LoadMeter([model.id for model in MODELS], 0, 0.0)
        self.measures = Measures(MODELS, gpus, 0)

    def batch(self, gpu: int, execution_us: int, queued: list[tuple[int, int]]) -> None:
        size = sum(count for _, count in queued)
        self.meter.batch_executed(0, size, execution_us)
        self.meter.answered(0, Outcome.IN_TIME, 0, size)
        self.measures.batch_executed(gpu, 0, execution_us, queued)

    def text(self) -> str:
        return metrics_text(
            models=[model.id for model in MODELS],
            tallies=self.meter.totals(),
            measures=self.measures,
            pending=2,
            gpus=self.gpus,
            gpus_ready=1,
            gpus_advised=3,
            hold_factor=0.25,
            plan_version=9,
            tenants=["a"],
            tenant_outcomes=self.meter.tenant_outcomes,
        )

    def values(self) -> dict[str, float]:
        """By the series' whole name."""
        found = {}
        for line in self.text().splitlines():
            if not line.startswith("#"):
                match = LINE.match(line)
                assert match, line
                found[f"{match['name']}{match['labels'] or ''}"] = float(match["value"])
        return found


def test_the_text_is_prometheus_form_and_holds_every_family_of_the_registry() -> None:
    watched = Watched()
    watched.batch(0, 5_000, [(1_000, 2)])
    watched.measures.tick(INTERVAL_US, watched.meter.totals)
    told: dict[str, set[str]] = defaultdict(set)
    family = ""
    for line in watched.text().splitlines():
        if line.startswith("# TYPE "):
            family, kind = line.split()[2:]
            assert FAMILIES[family].kind == kind
        elif not line.startswith("#"):
            name = line.split("{")[0].split(" ")[0]
            assert name in FAMILIES[family].series
            labels = re.findall(r'([a-z]+)="', line.replace('\\"', ""))
            assert set(labels) - {"le"} == set(FAMILIES[family].labels)
            told[family].add(name)
    assert told.keys() == FAMILIES.keys()
    assert all(told[name] == set(FAMILIES[name].series) for name in FAMILIES)


def test_labels_are_escaped() -> None:
    watched = Watched()
    watched.meter.answered(1, Outcome.LATE)
    assert 'fermata_requests_total{model="quote\\"back\\\\slash\\n",outcome="late"} 1' in watched.text()


@pytest.mark.parametrize("spread", [1, SINGLY_MAX + 5])
def test_histograms_hold_each_time_in_its_bucket(spread: int) -> None:
    watched = Watched()
    queued = [(1_000 + place, 1) for place in range(spread)] + [(40_000, 3), (9_000_000, 1)]
    watched.batch(1, 20_000, queued)
    values = watched.values()
    bucket = 'fermata_queue_seconds_bucket{{model="m",le="{}"}}'
    assert values[bucket.format("0.001")] == 1
    assert values[bucket.format("0.002")] == spread
    assert values[bucket.format("0.05")] == spread + 3
    assert values[bucket.format("5")] == spread + 3
    assert values[bucket.format("+Inf")] == values['fermata_queue_seconds_count{model="m"}'] == spread + 4
    total_us = sum(time_us * count for time_us, count in queued)
    assert values['fermata_queue_seconds_sum{model="m"}'] == pytest.approx(total_us / 1e6)
    assert values['fermata_execution_seconds_bucket{model="m",le="0.02"}'] == 1
    assert values['fermata_execution_seconds_bucket{model="m",le="0.01"}'] == 0
    assert list(TIME_BOUNDS_S) == sorted(TIME_BOUNDS_S)


def test_batch_sizes_are_a_histogram() -> None:
    watched = Watched()
    for size in (1, 3, 3):
        watched.batch(0, 5_000, [(0, size)])
    values = watched.values()
    found = [values[f'fermata_batch_size_bucket{{model="m",le="{bound}"}}'] for bound in (1, 2, 4, 1_024)]
    assert found == [1, 1, 3, 3]
    assert values['fermata_batch_size_sum{model="m"}'] == 7


def test_shares_rates_and_drift_are_of_the_last_whole_interval() -> None:
    watched = Watched()
    watched.batch(0, 6_000, [(0, 3)])
    watched.batch(1, 3_000_000, [(0, 3)])
    watched.meter.answered(0, Outcome.LATE, 0, 2)
    watched.meter.answered(0, Outcome.INVALID, count=50)
    watched.measures.refused(0, Reason.LATE, 2)
    watched.measures.tick(INTERVAL_US - 1, watched.meter.totals)
    assert watched.values()["fermata_gpu_busy_share"] == 0
    watched.measures.tick(INTERVAL_US, watched.meter.totals)
    values = watched.values()
    assert values["fermata_gpu_busy_share"] == pytest.approx(3_006_000 / (4 * INTERVAL_US))
    assert values["fermata_gpus_idle_tail"] == 2
    assert values['fermata_goodput_rps{model="m"}'] == pytest.approx(6 / 5)
    assert values['fermata_bad_rate{model="m"}'] == pytest.approx(2 / 8)
    assert values['fermata_execution_drift{model="m"}'] == pytest.approx(3_006_000 / 12_000)
    assert values['fermata_profiled_seconds_total{model="m"}'] == pytest.approx(0.012)
    assert values['fermata_refusals_total{model="m",reason="late"}'] == 2
    assert values['fermata_gpu_execution_seconds_total{gpu="1"}'] == 3.0
    assert f'fermata_bad_rate{{model="{NASTY}"}}' not in values
    watched.measures.tick(2 * INTERVAL_US, watched.meter.totals)
    after = watched.values()
    assert (after["fermata_gpu_busy_share"], after["fermata_gpus_idle_tail"]) == (0, 4)
    assert after['fermata_goodput_rps{model="m"}'] == 0
    assert not any(name.startswith("fermata_execution_drift") for name in after)
