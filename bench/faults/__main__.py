"""
Random schedules of faults against real processes: a node, its dispatcher and two workers.

Each schedule draws one to three faults from its seed while a client sends 40 requests a second, and
says whether every request was answered within its promise plus a second, and the whole
served again with nobody's help.

    python -m bench.faults [--schedules 50] [--seed 0] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from bench.faults.house import house, plan
from bench.faults.schedule import Found, leaves_a_gpu, run_schedule


def summary(found: list[Found]) -> dict[str, Any]:
    """All schedules together."""
    total: Counter[str] = Counter()
    for each in found:
        total.update(each.endings)
    return {
        "schedules": len(found),
        "faults": sum(len(each.faults) for each in found),
        "requests": sum(each.requests for each in found),
        "endings": dict(total.most_common()),
        "answered_s_max": max(each.answered_s_max for each in found),
        "pause_s_max_with_a_gpu_left": max(
            (each.pause_s for each in found if leaves_a_gpu(each.faults)), default=None
        ),
        "mended_s_max": max(each.mended_s for each in found),
        "broken": sum(bool(each.broken) for each in found),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--schedules", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0, help="the first of as many seeds")
    parser.add_argument("--json", type=Path, help="where to write every schedule's findings")
    options = parser.parse_args()
    found: list[Found] = []
    with tempfile.TemporaryDirectory() as folder, house(Path(folder)) as built:
        built.planner.activate(plan(1))
        built.start_node()
        built.until_serving()
        for seed in range(options.seed, options.seed + options.schedules):
            found.append(run_schedule(built, seed))
            sys.stderr.write(f"{json.dumps(found[-1].to_json())}\n")
        whole = summary(found)
    if options.json:
        content = {"summary": whole, "schedules": [each.to_json() for each in found]}
        options.json.write_text(json.dumps(content, indent=2) + "\n")
    sys.stdout.write(json.dumps(whole, indent=2) + "\n")
    sys.exit(1 if whole["broken"] else 0)


if __name__ == "__main__":
    main()
