"""Small problems whose cheapest plan is proven within seconds, each of them about one thing."""

from __future__ import annotations

from typing import Any

from tests.planning import batching, document, model, one_at_a_time

DAY, NIGHT = [80.0, 8.0], [8.0, 80.0]


def problems() -> dict[str, dict[str, Any]]:
    """Problem documents by name."""
    both = {"a": one_at_a_time(10.0), "b": one_at_a_time(5.0)}
    heavy = {"a": one_at_a_time(10.0, weights_gib=9.0)}
    return {
        "opposite-peaks-share-gpus": document(
            [model("p", DAY, {"a": one_at_a_time()}), model("q", NIGHT, {"a": one_at_a_time()})],
            pools={"a": 8},
        ),
        "memory-keeps-apart": document([model("p", [5.0], heavy), model("q", [5.0], heavy)], pools={"a": 8}),
        "the-cheaper-type": document(
            [model("p", [150.0], both)], pools={"a": 9, "b": 9}, prices={"a": 1.0, "b": 3.0}
        ),
        "a-type-short-of-stock": document(
            [model("p", [150.0], both), model("q", [60.0], both)],
            pools={"a": 2, "b": 9},
            prices={"a": 1.0, "b": 3.0},
        ),
        "batches-fill": document(
            [
                model("p", [300.0, 100.0], {"a": batching()}, slo_ms=60.0),
                model("q", [40.0, 90.0], {"a": batching()}),
            ],
            pools={"a": 8},
        ),
        "by-epoch": document(
            [model("p", DAY, {"a": one_at_a_time()}), model("q", DAY, {"a": one_at_a_time()})],
            pools={"a": 8},
            policy={"gpus": "per_epoch"},
        ),
        "excluded-from-each-other": document(
            [model(name, [20.0], {"a": one_at_a_time()}) for name in "pq"],
            pools={"a": 8},
            policy={"exclusions": [["p", "q"]]},
        ),
    }
