"""
Vector bin packing by the planner: any folder of ``.vbp`` instances, through the public problem.

A bin is a sub-cluster of one GPU at 1 USD/h, an item a model that lives whole in one sub-cluster.
Dimension 1 is memory (an item's size its weights), every other dimension an epoch (its load). So a plan's
dollars per hour are its bins and the plan's bound is a bound on bins. Run as

    python -m bench.packing DIR --time-limit-s 60 --json
    python -m bench.packing DIR --time-limit-s 10 --rivals

Format of ``.vbp``: number of dimensions; capacity of a bin in each; number of lines that follow; one line
for each kind of item with its size in each dimension and the number of such items.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.packing_rivals import RIVALS, PackingInstance, Result
from planner.problem.parse import COUNT_LIMIT, GIB_LIMIT, parse_problem
from planner.problem.problem import PlanningProblem
from planner.problem.usable_share import usable_share
from planner.solvers import solve

CAPACITY_MAX = 100_000  # sizes are told apart to a part in a million; tolerances of the planner are 1e-6
LATENCY_MS = 1.0
SLO_MS = 10.0
MS_PER_S = 1_000.0
WARM_UP = PackingInstance("warm-up", (3, 3), ((1, 1), (1, 2), (2, 1)))  # compiles what is compiled once
WARM_UP_S = 60.0


@dataclass(frozen=True, slots=True)
class Row:
    """One instance: bins used, proven bound on bins, (bins - bound) / bins, seconds."""

    instance: str
    bins: int
    bound: int
    gap: float
    seconds: float


def read_instance(path: Path) -> PackingInstance:
    """
    The instance of a ``.vbp`` file.

    Raises
    ------
    ValueError
        A file that is no such instance, an item that fits no bin, a capacity beyond ``CAPACITY_MAX``.
    """
    try:
        numbers = [int(word) for word in path.read_text(encoding="utf-8").split()]
    except ValueError as error:
        raise ValueError(f"{path}: every word must be a whole number ({error}).") from error
    if len(numbers) < 2 or numbers[0] < 1 or len(numbers) < numbers[0] + 2:
        raise ValueError(f"{path}: dimensions, capacities and the number of items are expected first.")
    dimensions = numbers[0]
    capacity = tuple(numbers[1 : 1 + dimensions])
    lines, rest = numbers[1 + dimensions], numbers[2 + dimensions :]
    if len(rest) != lines * (dimensions + 1):
        raise ValueError(f"{path}: {lines} lines of {dimensions + 1} numbers are expected, got {len(rest)}.")
    if not all(1 <= c <= CAPACITY_MAX for c in capacity):
        raise ValueError(f"{path}: capacities must lie within 1 to {CAPACITY_MAX}, got {capacity}.")
    sizes = []
    for start in range(0, len(rest), dimensions + 1):
        *size, count = rest[start : start + dimensions + 1]
        if any(not 0 <= s <= c for s, c in zip(size, capacity, strict=True)) or count < 0:
            raise ValueError(f"{path}: item {size} x {count} does not fit a bin of {capacity}.")
        sizes += [tuple(size)] * count
    return PackingInstance(path.stem, capacity, tuple(sizes))


def problem_of(instance: PackingInstance) -> PlanningProblem:
    """
    The planning problem whose plans are the packings of the instance.

    Weights are the sizes themselves in GiB, whole numbers and exact. A size s of capacity c in another
    dimension becomes a rate at which the usable part of one GPU is filled to s/c. An overfull
    bin is so by at least 1/c, far above the planner's tolerances; a full one errs by a few roundings.
    """
    usable = float(usable_share(1, 1.0, SLO_MS / LATENCY_MS))
    memory, *loads = instance.capacity
    if memory > GIB_LIMIT or len(instance.sizes) > COUNT_LIMIT:
        raise ValueError(f"{instance.name}: at most {GIB_LIMIT:g} of memory and {COUNT_LIMIT} items.")
    epochs = [{"start": f"dimension {d + 2}", "hours": 1} for d in range(max(1, len(loads)))]
    rates = [
        [usable * s / c * MS_PER_S / LATENCY_MS for s, c in zip(size[1:], loads, strict=True)] or [0.0]
        for size in instance.sizes
    ]
    models = [
        {
            "id": f"item-{i:05d}",
            "slo_ms": SLO_MS,
            "demand_rps": rate,
            "may_split": False,
            "profiles": {"bin": {"latency_ms": [[1, LATENCY_MS]], "weights_gib": size[0]}},
        }
        for i, (size, rate) in enumerate(zip(instance.sizes, rates, strict=True))
    ]
    return parse_problem(
        {
            "epochs": epochs,
            "gpu_types": [{"id": "bin", "memory_gib": memory, "price_usd_per_hour": 1}],
            "pools": [{"gpu_type": "bin", "zone": "z", "available": max(1, len(models))}],
            "models": models,
            "policy": {
                "sub_cluster_gpus_max": 1,
                "delays": {"ctrl_us": 0, "data_us": 0, "resp_us": 0},
            },
        }
    )


def pack(instance: PackingInstance, time_limit_s: float, seed: int, solver: str = "auto") -> Result:
    """Bins and bound by ``planner.solvers.solve``, as its users call it."""
    outcome = solve(problem_of(instance), solver=solver, time_limit_s=time_limit_s, seed=seed)
    if outcome.plan is None:
        return Result(len(instance.sizes), 1, outcome.runtime_s)
    return Result(len(outcome.plan.sub_clusters), round(outcome.bound), outcome.runtime_s)


def row_of(name: str, result: Result) -> Row:
    gap = (result.bins - result.bound) / result.bins if result.bins else 0.0
    return Row(name, result.bins, result.bound, round(gap, 6), round(result.seconds, 3))


def ways(rivals: bool, seed: int) -> dict[str, Callable[[PackingInstance, float], Result]]:
    """Name of each way of packing that the table has a column for."""
    ours = {"planner": lambda instance, limit: pack(instance, limit, seed)}
    return ours | (RIVALS if rivals else {})


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="searched for .vbp files, with its sub-folders")
    parser.add_argument("--time-limit-s", type=float, default=60.0, help="for each instance")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print a list of objects, and no table")
    parser.add_argument("--rivals", action="store_true", help="beside other solvers, with equal time")
    arguments = parser.parse_args()
    paths = sorted(arguments.folder.rglob("*.vbp"))
    if not paths:
        parser.error(f"no .vbp file in {arguments.folder}")
    if not arguments.json:
        print("| instance | way | bins | bound | gap | s |\n|---|---|---|---|---|---|")
    pack(WARM_UP, WARM_UP_S, arguments.seed)
    rows = []
    chosen = ways(arguments.rivals, arguments.seed)
    for path in paths:
        name = path.relative_to(arguments.folder).with_suffix("").as_posix()
        instance = read_instance(path)
        for way, run in chosen.items():
            row = row_of(name, run(instance, arguments.time_limit_s))
            rows.append((way, row))
            if not arguments.json:
                line = f"| {name} | {way} | {row.bins} | {row.bound} | {row.gap:.2%} | {row.seconds:.1f} |"
                print(line, flush=True)
    if arguments.json:
        extra = [{"way": way} if arguments.rivals else {} for way, _ in rows]
        print(json.dumps([asdict(row) | more for (_, row), more in zip(rows, extra, strict=True)], indent=2))
        return
    for way in chosen:
        mine = [row for name, row in rows if name == way]
        print(f"{way}: {sum(r.bins for r in mine)} bins, mean gap {statistics.mean(r.gap for r in mine):.2%}")


if __name__ == "__main__":
    main()
