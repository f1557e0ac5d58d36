from __future__ import annotations

import json
import re
import struct
from pathlib import Path

import numpy as np
import pytest

from api.plot.image import write_image
from api.plot.page import write_page
from api.plot.picture import COLOUR_OF_OTHERS, Picture, picture
from dispatcher.core.rules import Rules
from dispatcher.simulation.scenario import ArrivalKind, Arrivals, GpuGroup, Scenario, ScenarioModel
from dispatcher.simulation.simulate import new_simulation
from dispatcher.simulation.timeline import Timeline, run_with_timeline
from profiles.latency import AffineCurve

EVIL = "</script><b>model & co"


def drawn(models: int, *, batches_max: int = 10**6) -> tuple[Timeline, Picture]:
    """A second of a run of that many models on four GPUs; the first has most requests."""
    names = [EVIL, *(f"m{m}" for m in range(1, models))]
    scenario = Scenario(
        seed=2,
        duration_us=2_000_000,
        warmup_us=0,
        models=tuple(
            ScenarioModel(
                name,
                40_000,
                AffineCurve(1_000.0, 5_000.0),
                30,
                1_000,
                Arrivals(ArrivalKind.POISSON, 900 / (m + 1)),
            )
            for m, name in enumerate(names)
        ),
        gpu_groups=(GpuGroup("gpu", 4, 1.0),),
    )
    simulation = new_simulation(scenario, Rules())
    timeline = run_with_timeline(simulation, 500_000, 1_500_000, batches_max)
    return timeline, picture(timeline, names, 4, title=f"{EVIL} of seed 2", asked_to_us=1_500_000)


def test_every_batch_is_drawn_once_and_models_beyond_the_colours_share_one() -> None:
    timeline, found = drawn(12)
    assert sum(len(group.gpu) for group in found.groups) == len(timeline.batches) > 50
    assert [group.name for group in found.groups][-1] == "4 other models"
    assert found.groups[-1].colour == COLOUR_OF_OTHERS
    assert len({group.colour for group in found.groups}) == 9
    by_name = {group.name: group.colour for group in found.groups}
    assert all(by_name[line.name] == line.colour for line in found.queues[1:])
    assert found.queues[0].values.tolist() == timeline.queued.sum(axis=1).tolist()
    assert "from 0.5 s to 1.5 s" in found.subtitle


def test_a_window_cut_short_says_so() -> None:
    _, found = drawn(3, batches_max=20)
    assert "the most that are drawn (1.5 s was asked for)" in found.subtitle
    assert found.to_s < 1.5


def test_page_holds_the_series_and_needs_no_other_file(tmp_path: Path) -> None:
    timeline, found = drawn(3)
    path = tmp_path / "run.html"
    write_page(found, path)
    text = path.read_text(encoding="utf-8")
    assert text.count("</script>") == 3, "no name ends a script early"
    assert not re.search(r'(src|href)="', text.replace(text.split("<script>")[1].split("</script>")[0], ""))
    (embedded,) = re.findall(r'<script id="data" type="application/json">(.*?)</script>', text, re.DOTALL)
    data = json.loads(embedded)
    assert (data["from_s"], data["to_s"], data["gpus"]) == (0.5, 1.5, 4)
    assert sum(len(group["batches"]) for group in data["groups"]) == len(timeline.batches)
    assert data["groups"][0]["name"] == EVIL
    start_s, finish_s, gpu, size, model = data["groups"][0]["batches"][0]
    assert 0 < finish_s - start_s == pytest.approx((size * 1_000 + 5_000) / 1e6)
    assert 0 <= gpu < 4
    assert model == EVIL
    assert data["queues"][0]["values"] == timeline.queued.sum(axis=1).tolist()
    assert len(data["hold_factor"]["values"]) == len(data["sample_s"])


def test_image_is_a_png_with_colours_of_the_models(tmp_path: Path) -> None:
    from matplotlib.image import imread

    _, found = drawn(3)
    path = tmp_path / "run.png"
    write_image(found, path)
    head = path.read_bytes()[:24]
    assert head.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", head[16:24])
    assert width > 1_500
    assert height > 500
    pixels = (np.asarray(imread(path))[..., :3] * 255).round().astype(int)
    for group in found.groups:
        colour = [int(group.colour[i : i + 2], 16) for i in (1, 3, 5)]
        assert (pixels == colour).all(axis=-1).sum() > 500, group.name
