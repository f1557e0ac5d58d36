"""Fleets for benchmarks: as large as asked for, and all models different."""

from __future__ import annotations

import json

from api.demo.demand import HOURS
from bench.fleet import evenly_dealt, fleet_document, trace_days
from profiles.catalogue import load_catalogue


def test_no_two_models_have_profiles_and_demand_in_common() -> None:
    document = fleet_document(1_600, 1_600)
    kinds = {json.dumps([row["profiles"], row["demand_rps"]], sort_keys=True) for row in document["models"]}
    assert len(kinds) == len(document["models"]) == 1_600
    assert {len(row["demand_rps"]) for row in document["models"]} == {HOURS}


def test_dealing_evenly_only_changes_the_order() -> None:
    days = trace_days(300)
    dealt = evenly_dealt(load_catalogue(), days)
    assert sorted(dealt, key=str) == sorted(days, key=str)
    assert dealt != days
