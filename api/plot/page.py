"""The picture as one self-contained page: Apache ECharts and the data are part of the file."""

from __future__ import annotations

import html
import json
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from api.plot.picture import Group, Line, Picture

TIME_DIGITS = 6  # of seconds: microseconds


def write_page(picture: Picture, path: Path) -> None:
    """Write the page; OSError where the file cannot be written."""
    here = files("api.plot")
    echarts = files("api.console").joinpath("static/vendor/echarts/echarts.min.js")
    page = Template(here.joinpath("page.html").read_text(encoding="utf-8")).substitute(
        title=html.escape(picture.title),
        subtitle=html.escape(picture.subtitle),
        echarts=echarts.read_text(encoding="utf-8"),
        data=json.dumps(_data(picture), allow_nan=False).replace("<", "\\u003c"),
        script=here.joinpath("page.js").read_text(encoding="utf-8"),
    )
    path.write_text(page, encoding="utf-8")


def _data(picture: Picture) -> dict[str, Any]:
    return {
        "from_s": picture.from_s,
        "to_s": picture.to_s,
        "gpus": picture.gpu_count,
        "groups": [_group(group) for group in picture.groups],
        "sample_s": picture.sample_s.round(TIME_DIGITS).tolist(),
        "queues": [_line(line) for line in picture.queues],
        "hold_factor": _line(picture.hold_factor),
    }


def _group(group: Group) -> dict[str, Any]:
    columns = (
        group.start_s.round(TIME_DIGITS).tolist(),
        group.finish_s.round(TIME_DIGITS).tolist(),
        group.gpu.tolist(),
        group.size.tolist(),
        group.model,
    )
    return {
        "name": group.name,
        "colour": group.colour,
        "batches": [list(batch) for batch in zip(*columns, strict=True)],
    }


def _line(line: Line) -> dict[str, Any]:
    return {"name": line.name, "colour": line.colour, "values": line.values.round(4).tolist()}
