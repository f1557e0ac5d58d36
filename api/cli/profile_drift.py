"""``fermata profile drift``: profiles that dispatchers' measurements contradict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.db import DATABASE_URL_HELP
from api.cli.output import ExitCode, emit, fail

if TYPE_CHECKING:
    from planner.service.profile_drift import FoundDrift


def drift(
    fleet: Annotated[str, typer.Option(help="Whose measurements.")] = "default",
    database_url: Annotated[str | None, typer.Option(help=DATABASE_URL_HELP)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The answer as JSON.")] = False,
) -> None:
    """
    List the profiles that the last day's measurements contradict; nothing is changed.

    Servers look every hour and propose a correction: GET /v1/profile-proposals lists them.

    Example: fermata profile drift --fleet default
    """
    from api.settings import Settings
    from planner.service.profile_drift import drifts
    from planner.store.errors import SchemaOutdated, StoreUnavailable
    from planner.store.store import Store

    try:
        store = Store(database_url or Settings().database_url)
    except ValueError as error:
        fail(str(error), code=ExitCode.BAD_INPUT)
    try:
        store.require_current()
        found = drifts(store.of_fleet(fleet))
    except SchemaOutdated as error:
        fail(str(error), hint="run `fermata db upgrade`")
    except StoreUnavailable as error:
        fail(f"the database cannot be reached: {error}")
    finally:
        store.close()
    emit([_json(one) for one in found], as_json=as_json, human=lambda: _print(found))


def _json(found: FoundDrift) -> dict[str, Any]:
    from planner.service.profile_drift import curve_document, evidence_document

    return {
        "model": found.profile.model,
        "gpu_type": found.profile.gpu_type,
        "profile_version": found.profile.version,
        "registered": found.profile.curve,
        "corrected": curve_document(found.drift.curve),
        "evidence": evidence_document(found.drift),
    }


def _print(found: list[FoundDrift]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    if not found:
        console.print("no profile has drifted")
        return
    table = Table("model", "GPU type", "version", "measured / profiled", "batches", "error now", "corrected")
    for one in found:
        shown, overall = one.drift, one.drift.overall
        table.add_row(
            one.profile.model,
            one.profile.gpu_type,
            str(one.profile.version),
            f"{overall.ratio:.3f} ({overall.ratio_low:.3f} to {overall.ratio_high:.3f})",
            str(overall.batches),
            f"{shown.error_before:.1%}",
            f"{shown.error_after:.1%}",
        )
    console.print(table)
