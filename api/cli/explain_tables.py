"""Explanations and comparisons as tables and sentences to read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from api.cli.plan_tables import stdout

if TYPE_CHECKING:
    from planner.explain.explanation import Explanation, Shortfall
    from planner.explain.hopeless import TypeMissing
    from planner.explain.regret import Regrets
    from planner.explain.what_if import WhatIf
    from planner.explain.worth import Solved, Worth


def show_explanation(found: Explanation, regrets: Regrets | None, names: Sequence[str]) -> None:
    console = stdout()
    if found.shortfall is not None:
        _shortfall(console, found.shortfall)
    _bindings(console, found)
    _refusals(console, found)
    _worths(console, "one more GPU", found.gpus)
    _worths(console, "rule", found.rules)
    if regrets is not None:
        _regrets(console, regrets, names)


def show_what_if(found: WhatIf) -> None:
    from planner.explain.codec import gpus_by_type

    console = stdout()
    before_rps, after_rps = found.unserved_rps
    table = Table("", "as it is", "with the change", "difference")
    table.add_row(
        "cost, USD/h",
        f"{found.before.plan.objective:.3f}",
        f"{found.after.plan.objective:.3f}",
        f"{found.after.plan.objective - found.before.plan.objective:+.3f}",
    )
    table.add_row("bound, USD/h", f"{found.before.bound:.3f}", f"{found.after.bound:.3f}", "")
    table.add_row("gap", _gap(found.before), _gap(found.after), "")
    table.add_row(
        "unserved, requests/s", f"{before_rps:.4g}", f"{after_rps:.4g}", f"{after_rps - before_rps:+.4g}"
    )
    before, after = gpus_by_type(found.before), gpus_by_type(found.after)
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name, 0), after.get(name, 0)
        table.add_row(f"{name} GPUs", str(old), str(new), f"{new - old:+d}")
    _print(console, table)
    for move in found.change.moves:
        old_ids, new_ids = ", ".join(move.before) or "-", ", ".join(move.after) or "-"
        _say(console, f"{move.model}: {old_ids} -> {new_ids} ({move.reason})")
    if not found.change.moves:
        _say(console, "no model moves")
    if found.least is None or found.most is None:
        _say(console, found.verdict)
    else:
        _say(
            console,
            f"{found.verdict}; the cheapest cost changes by {found.least:+.3f} to {found.most:+.3f} USD/h",
        )


def _shortfall(console: Console, found: Shortfall) -> None:
    for one in found.hopeless:
        _say(console, f"{one.model} can never keep its SLO of {one.slo_ms:g} ms:")
        for t in one.types:
            _say(console, f"  {t.gpu_type}: {_missing(t)}")
        if not one.types:
            _say(console, "  it has no profile on any GPU type")
    if found.clash is not None:
        names = ", ".join(rule.name for rule in found.clash.rules)
        if found.clash.is_helpless:
            _say(console, f"no plan found even without all of: {names}")
        else:
            minimal = "" if found.clash.is_minimal else "; time ran out before the set was smallest"
            proven = "proven" if found.clash.is_proven else "no plan found"
            _say(console, f"these clash ({proven}{minimal}): {names}")
    if found.relaxations is None:
        return
    if found.relaxations.found:
        _say(console, "all demand would be served with any one of:")
    for way in found.relaxations.found:
        _say(console, f"  {way.text}")
        _say(console, f"      {way.plan.objective:.3f} USD/h; one step less: {way.less}")
        _say(console, "      " + " ".join(f"--set {setting}" for setting in way.settings))
    for title, texts in (
        ("no help by themselves", found.relaxations.in_vain),
        ("not tried for want of time", found.relaxations.untried),
    ):
        if texts:
            _say(console, f"{title}: {', '.join(texts)}")


def _missing(t: TypeMissing) -> str:
    if t.slo_needed_ms is None:
        return "none is stocked"
    parts = [f"needs {t.missing_gib:.3f} GiB more than a GPU has"] if t.missing_gib > 0 else []
    if t.missing_ms > 0:
        parts.append(
            f"{t.missing_ms:.3f} ms missing: a batch of one on {t.gpus} GPU(s) takes {t.slo_needed_ms:.3f} ms"
        )
    return "; ".join(parts)


def _bindings(console: Console, found: Explanation) -> None:
    table = Table("tight", "where", "used", "of", "in epochs")
    for one in found.bindings:
        if one.is_tight:
            whole = len(one.epochs) == len(found.problem.epochs)
            epochs = "all" if whole else ", ".join(map(str, one.epochs))
            table.add_row(one.rule, one.where, f"{one.used:.4g}", f"{one.limit:.4g} {one.unit}", epochs)
    _print(console, table)


def _refusals(console: Console, found: Explanation) -> None:
    table = Table("model", "not in", "because of", "")
    for one in found.refusals:
        table.add_row(one.model, one.pool, one.bottleneck, one.text)
    _print(console, table)


def _worths(console: Console, title: str, worths: Sequence[Worth]) -> None:
    table = Table(title, "saves (found), USD/h", "proven at least", "proven at most")
    for one in worths:
        if one.found is None or one.least is None or one.most is None:
            text = f"unserved {one.unserved_rps_before:.4g} -> {one.unserved_rps_after:.4g} requests/s"
            table.add_row(one.name, text, "", "")
        else:
            table.add_row(one.name, f"{one.found:.3f}", f"{one.least:.3f}", f"{one.most:.3f}")
    _print(console, table)


def _regrets(console: Console, regrets: Regrets, names: Sequence[str]) -> None:
    table = Table("plan", "USD/h", "unserved: mean", "p90", "worst", "regret: mean", "p90", "worst")
    for name, one in zip(names, regrets.plans, strict=True):
        cells = [*_of(one.unserved_rps), *_of(one.unserved_regret_rps)]
        table.add_row(name, f"{one.cost_usd_per_hour:.3f} (+{one.cost_regret_usd_per_hour:.3f})", *cells)
    _print(console, table)
    _say(
        console,
        f"requests/s over {regrets.worlds} demand worlds, seed {regrets.seed}; in brackets: regret of cost",
    )


def _of(spread: object) -> list[str]:
    return [f"{getattr(spread, field):.4g}" for field in ("mean", "p90", "worst")]


def _gap(side: Solved) -> str:
    cost = side.plan.objective
    return f"{0.0 if cost == 0 else (cost - side.bound) / cost:.2%}"


def _print(console: Console, table: Table) -> None:
    if table.row_count:
        console.print(table, markup=False)


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, soft_wrap=True)
