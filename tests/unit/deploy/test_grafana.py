"""Dashboards and alerts ask only for metrics that a dispatcher has, with labels that they bear."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from dispatcher.frontend.service import Outcome, Reason
from dispatcher.runtime.metric_families import FAMILIES
from tests.tidy.tree import ROOT

FOLDER = ROOT / "deploy/grafana"
SERIES = {name: family for family in FAMILIES.values() for name in family.series}
OF_PROMETHEUS = {"le", "job", "instance", "sub_cluster"}
"""Labels that a scrape or a histogram adds."""


def dashboards() -> list[Path]:
    return sorted(FOLDER.glob("*.json"))


def panels(dashboard: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", ())


def expressions() -> Iterator[tuple[str, str]]:
    """(where, PromQL) of every panel, variable and alert."""
    for path in dashboards():
        dashboard = json.loads(path.read_text(encoding="utf-8"))
        for panel in panels(dashboard):
            for target in panel.get("targets", ()):
                yield f"{path.name}: {panel['title']}", target["expr"]
        for variable in dashboard["templating"]["list"]:
            if variable["type"] == "query":
                yield f"{path.name}: ${variable['name']}", variable["query"]
    alerts = yaml.safe_load((FOLDER / "alerts.yaml").read_text(encoding="utf-8"))
    for group in alerts["groups"]:
        for rule in group["rules"]:
            yield rule.get("alert") or rule["record"], rule["expr"]


def test_every_metric_asked_for_is_in_the_registry_with_the_labels_asked_for() -> None:
    found = list(expressions())
    assert len(found) > 20
    for where, expression in found:
        names = re.findall(r"\bfermata_\w+", expression)
        assert names, where
        for name in names:
            assert name in SERIES, f"{where}: {name}"
        for name, selector in re.findall(r"\b(fermata_\w+)\{([^}]*)\}", expression):
            asked = set(re.findall(r"(\w+)\s*(?:=~|!=|!~|=)", selector))
            assert asked <= set(SERIES[name].labels) | OF_PROMETHEUS, f"{where}: {asked}"
        for grouping in re.findall(r"\bby \(([^)]*)\)", expression):
            allowed = {label for name in names for label in SERIES[name].labels} | OF_PROMETHEUS
            assert {each.strip() for each in grouping.split(",")} <= allowed, where


def test_values_of_labels_are_words_of_the_dispatcher() -> None:
    words = {"outcome": {each.value for each in Outcome}, "reason": {each.value for each in Reason}}
    for where, expression in expressions():
        for label, values in re.findall(r'\b(outcome|reason)(?:=~|!=|!~|=)"([^"$]*)"', expression):
            assert set(values.split("|")) <= words[label], where


def test_counters_are_asked_for_as_rates_and_gauges_are_not() -> None:
    for where, expression in expressions():
        for name in re.findall(r"\bfermata_\w+", expression):
            rated = re.search(rf"\b(?:rate|increase)\({name}\b", expression) is not None
            assert rated == (SERIES[name].kind != "gauge"), f"{where}: {name}"


def test_every_family_is_drawn_or_documented() -> None:
    asked = {name for _, expression in expressions() for name in re.findall(r"\bfermata_\w+", expression)}
    drawn = {SERIES[name].name for name in asked}
    reference = (ROOT / "docs/reference/metrics.md").read_text(encoding="utf-8")
    assert [name for name in FAMILIES if f"`{name}" not in reference] == []
    assert len(drawn) >= 0.8 * len(FAMILIES)


def test_alerts_say_what_to_do_and_panels_lie_beside_each_other() -> None:
    alerts = yaml.safe_load((FOLDER / "alerts.yaml").read_text(encoding="utf-8"))
    rules = [rule for group in alerts["groups"] for rule in group["rules"] if "alert" in rule]
    assert len(rules) >= 6
    for rule in rules:
        assert {"summary", "description"} <= rule["annotations"].keys()
        assert rule["labels"]["severity"] in ("page", "ticket")
    for path in dashboards():
        dashboard = json.loads(path.read_text(encoding="utf-8"))
        ids = [panel["id"] for panel in panels(dashboard)]
        assert len(ids) == len(set(ids))
        taken: set[tuple[int, int]] = set()
        for panel in panels(dashboard):
            place = panel["gridPos"]
            assert place["x"] + place["w"] <= 24
            cells = {
                (place["x"] + column, place["y"] + row)
                for column in range(place["w"])
                for row in range(place["h"])
            }
            assert not cells & taken, panel["title"]
            taken |= cells
