"""A method for each operation of the REST API. Written by tools/build_client.py: do not edit."""

# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator

from fermata_client.connection import AsyncConnection, result, with_csv
from fermata_client.generated import models
from fermata_client.generated.api.activations import get_current_rollout as _get_current_rollout
from fermata_client.generated.api.activations import get_current_routes as _get_current_routes
from fermata_client.generated.api.activations import get_wave_sub_cluster as _get_wave_sub_cluster
from fermata_client.generated.api.audit import list_audit_entries as _list_audit_entries
from fermata_client.generated.api.demand import get_demand_accuracy as _get_demand_accuracy
from fermata_client.generated.api.demand import get_forecast as _get_forecast
from fermata_client.generated.api.demand import get_resolved_forecast as _get_resolved_forecast
from fermata_client.generated.api.demand import list_forecasts as _list_forecasts
from fermata_client.generated.api.demand import submit_forecasts as _submit_forecasts
from fermata_client.generated.api.fleets import change_fleet as _change_fleet
from fermata_client.generated.api.fleets import create_fleet as _create_fleet
from fermata_client.generated.api.fleets import get_advice as _get_advice
from fermata_client.generated.api.fleets import get_fleet as _get_fleet
from fermata_client.generated.api.fleets import list_fleets as _list_fleets
from fermata_client.generated.api.health import healthz as _healthz
from fermata_client.generated.api.health import readyz as _readyz
from fermata_client.generated.api.nodes import get_node as _get_node
from fermata_client.generated.api.nodes import list_nodes as _list_nodes
from fermata_client.generated.api.nodes import put_heartbeat as _put_heartbeat
from fermata_client.generated.api.observed_load import get_observed_load as _get_observed_load
from fermata_client.generated.api.observed_load import get_observed_series as _get_observed_series
from fermata_client.generated.api.observed_load import list_reporters as _list_reporters
from fermata_client.generated.api.observed_load import submit_load_reports as _submit_load_reports
from fermata_client.generated.api.plans import activate_plan as _activate_plan
from fermata_client.generated.api.plans import approve_plan as _approve_plan
from fermata_client.generated.api.plans import get_certificate as _get_certificate
from fermata_client.generated.api.plans import get_current_activation as _get_current_activation
from fermata_client.generated.api.plans import get_difference as _get_difference
from fermata_client.generated.api.plans import get_explanation as _get_explanation
from fermata_client.generated.api.plans import get_plan as _get_plan
from fermata_client.generated.api.plans import get_plan_history as _get_plan_history
from fermata_client.generated.api.plans import get_problem as _get_problem
from fermata_client.generated.api.plans import get_rollout as _get_rollout
from fermata_client.generated.api.plans import get_serving as _get_serving
from fermata_client.generated.api.plans import get_sub_cluster as _get_sub_cluster
from fermata_client.generated.api.plans import list_activations as _list_activations
from fermata_client.generated.api.plans import list_plans as _list_plans
from fermata_client.generated.api.plans import post_imported_plan as _post_imported_plan
from fermata_client.generated.api.plans import reject_plan as _reject_plan
from fermata_client.generated.api.profiles import accept_profile_proposal as _accept_profile_proposal
from fermata_client.generated.api.profiles import get_profile_proposal as _get_profile_proposal
from fermata_client.generated.api.profiles import list_planned_profiles as _list_planned_profiles
from fermata_client.generated.api.profiles import list_profile_proposals as _list_profile_proposals
from fermata_client.generated.api.profiles import list_profile_versions as _list_profile_versions
from fermata_client.generated.api.profiles import look_for_profile_drift as _look_for_profile_drift
from fermata_client.generated.api.profiles import reject_profile_proposal as _reject_profile_proposal
from fermata_client.generated.api.registry import delete_gpu_type as _delete_gpu_type
from fermata_client.generated.api.registry import delete_model as _delete_model
from fermata_client.generated.api.registry import delete_pool as _delete_pool
from fermata_client.generated.api.registry import delete_profile as _delete_profile
from fermata_client.generated.api.registry import get_gpu_type as _get_gpu_type
from fermata_client.generated.api.registry import get_model as _get_model
from fermata_client.generated.api.registry import get_pool as _get_pool
from fermata_client.generated.api.registry import get_profile as _get_profile
from fermata_client.generated.api.registry import list_gpu_types as _list_gpu_types
from fermata_client.generated.api.registry import list_models as _list_models
from fermata_client.generated.api.registry import list_pools as _list_pools
from fermata_client.generated.api.registry import list_profiles as _list_profiles
from fermata_client.generated.api.registry import put_gpu_type as _put_gpu_type
from fermata_client.generated.api.registry import put_model as _put_model
from fermata_client.generated.api.registry import put_pool as _put_pool
from fermata_client.generated.api.registry import put_profile as _put_profile
from fermata_client.generated.api.registry import submit_gpu_types as _submit_gpu_types
from fermata_client.generated.api.registry import submit_models as _submit_models
from fermata_client.generated.api.registry import submit_pools as _submit_pools
from fermata_client.generated.api.registry import submit_profiles as _submit_profiles
from fermata_client.generated.api.replays import replay_day as _replay_day
from fermata_client.generated.api.runs import cancel_run as _cancel_run
from fermata_client.generated.api.runs import get_run as _get_run
from fermata_client.generated.api.runs import list_runs as _list_runs
from fermata_client.generated.api.runs import start_run as _start_run
from fermata_client.generated.api.runs import stream_run_events as _stream_run_events
from fermata_client.generated.api.schedules import get_schedule as _get_schedule
from fermata_client.generated.api.schedules import list_slots as _list_slots
from fermata_client.generated.api.schedules import put_schedule as _put_schedule
from fermata_client.generated.api.schedules import remove_schedule as _remove_schedule
from fermata_client.generated.api.schedules import replan as _replan
from fermata_client.generated.api.tokens import create_token as _create_token
from fermata_client.generated.api.tokens import get_me as _get_me
from fermata_client.generated.api.tokens import get_token as _get_token
from fermata_client.generated.api.tokens import list_tokens as _list_tokens
from fermata_client.generated.api.tokens import revoke_token as _revoke_token
from fermata_client.generated.api.tokens import rotate_token as _rotate_token
from fermata_client.generated.api.webhooks import create_webhook as _create_webhook
from fermata_client.generated.api.webhooks import get_webhook as _get_webhook
from fermata_client.generated.api.webhooks import list_deliveries as _list_deliveries
from fermata_client.generated.api.webhooks import list_webhooks as _list_webhooks
from fermata_client.generated.api.webhooks import remove_webhook as _remove_webhook
from fermata_client.generated.api.webhooks import try_webhook as _try_webhook
from fermata_client.generated.types import UNSET, Unset
from fermata_client.run_events import RunEvent, async_run_events


class AsyncOperations(AsyncConnection):
    """Each method returns what was asked for; a problem is raised as ``Refused``."""

    async def get_current_rollout(
        self,
        *,
        wait_s: float | Unset = UNSET,
        fleet: str | Unset = UNSET,
        if_none_match: None | str | Unset = UNSET,
    ) -> models.RolloutProgressOut:
        """
        How far the fleet is on its way to the active plan; nodes ask with If-None-Match and
        wait. Scope: dispatcher or reader, of the fleet asked for.
        """
        return result(
            await _get_current_rollout.asyncio_detailed(
                client=self.client, wait_s=wait_s, fleet=fleet, if_none_match=if_none_match
            )
        )

    async def get_current_routes(
        self,
        *,
        wait_s: float | Unset = UNSET,
        fleet: str | Unset = UNSET,
        if_none_match: None | str | Unset = UNSET,
    ) -> models.RoutesOut:
        """
        Which sub-clusters serve each model now, wave by wave; callers ask with If-None-Match
        and wait. Scope: dispatcher or reader, of the fleet asked for.
        """
        return result(
            await _get_current_routes.asyncio_detailed(
                client=self.client, wait_s=wait_s, fleet=fleet, if_none_match=if_none_match
            )
        )

    async def get_wave_sub_cluster(
        self,
        activation_id: int,
        wave: int,
        sub_cluster: str,
        *,
        fleet: str | Unset = UNSET,
        if_none_match: None | str | Unset = UNSET,
    ) -> models.SubClusterSpecOut:
        """
        A sub-cluster as it is to be from the opening of a wave on; after the last one as the
        plan has it. Scope: dispatcher or reader, of the fleet asked for.
        """
        return result(
            await _get_wave_sub_cluster.asyncio_detailed(
                client=self.client,
                activation_id=activation_id,
                wave=wave,
                sub_cluster=sub_cluster,
                fleet=fleet,
                if_none_match=if_none_match,
            )
        )

    async def list_audit_entries(
        self,
        *,
        actor: None | str | Unset = UNSET,
        action: None | str | Unset = UNSET,
        subject: None | str | Unset = UNSET,
        since: datetime.datetime | None | Unset = UNSET,
        until: datetime.datetime | None | Unset = UNSET,
        limit: int | Unset = UNSET,
        before: int | None | Unset = UNSET,
        fleet: str | Unset = UNSET,
    ) -> models.AuditEntryPage:
        """
        Who changed what in the fleet, when, from where and why; the newest first. Scope:
        reader, of the fleet asked for.
        """
        return result(
            await _list_audit_entries.asyncio_detailed(
                client=self.client,
                actor=actor,
                action=action,
                subject=subject,
                since=since,
                until=until,
                limit=limit,
                before=before,
                fleet=fleet,
            )
        )

    async def all_audit_entries(
        self,
        *,
        actor: None | str | Unset = UNSET,
        action: None | str | Unset = UNSET,
        subject: None | str | Unset = UNSET,
        since: datetime.datetime | None | Unset = UNSET,
        until: datetime.datetime | None | Unset = UNSET,
        limit: int | Unset = UNSET,
        fleet: str | Unset = UNSET,
    ) -> AsyncIterator[models.AuditEntryOut]:
        """Everything that ``list_audit_entries`` gives page by page."""
        before: int | None | Unset = UNSET
        while True:
            page = await self.list_audit_entries(
                actor=actor,
                action=action,
                subject=subject,
                since=since,
                until=until,
                limit=limit,
                fleet=fleet,
                before=before,
            )
            for item in page.items:
                yield item
            if not page.next_before:
                return
            before = page.next_before

    async def get_demand_accuracy(
        self,
        *,
        model: list[str] | None | Unset = UNSET,
        since: datetime.datetime | None | Unset = UNSET,
        until: datetime.datetime | None | Unset = UNSET,
        fleet: str | Unset = UNSET,
    ) -> models.AccuracyListOut:
        """
        Past hours held against what planners said of them, and what the load foretold of itself
        by then. Scope: reader, of the fleet asked for.
        """
        return result(
            await _get_demand_accuracy.asyncio_detailed(
                client=self.client, model=model, since=since, until=until, fleet=fleet
            )
        )

    async def get_forecast(
        self, forecast_id: int, *, fleet: str | Unset = UNSET, if_none_match: None | str | Unset = UNSET
    ) -> models.ForecastOut:
        """
        One forecast, whole. Only `corrected_by` ever changes, and the ETag with it. Scope:
        reader, of the fleet asked for.
        """
        return result(
            await _get_forecast.asyncio_detailed(
                client=self.client, forecast_id=forecast_id, fleet=fleet, if_none_match=if_none_match
            )
        )

    async def get_resolved_forecast(
        self,
        *,
        since: datetime.datetime,
        until: datetime.datetime,
        epoch_hours: float | Unset = UNSET,
        fleet: str | Unset = UNSET,
    ) -> models.ResolvedForecastOut:
        """
        What the forecasts submitted so far come to over a horizon, and which of them speaks in
        every cell. Where they overlap, a planner's holds before an import and an import before
        a model's, a correction at least as high as what it corrects; among equals the one
        submitted last. Scope: reader, of the fleet asked for.
        """
        return result(
            await _get_resolved_forecast.asyncio_detailed(
                client=self.client, since=since, until=until, epoch_hours=epoch_hours, fleet=fleet
            )
        )

    async def list_forecasts(
        self,
        *,
        limit: int | Unset = UNSET,
        before: int | None | Unset = UNSET,
        source: models.ForecastSource | None | Unset = UNSET,
        fleet: str | Unset = UNSET,
    ) -> models.ForecastSummaryPage:
        """Forecasts, the newest first. Scope: reader, of the fleet asked for."""
        return result(
            await _list_forecasts.asyncio_detailed(
                client=self.client, limit=limit, before=before, source=source, fleet=fleet
            )
        )

    async def all_forecasts(
        self,
        *,
        limit: int | Unset = UNSET,
        source: models.ForecastSource | None | Unset = UNSET,
        fleet: str | Unset = UNSET,
    ) -> AsyncIterator[models.ForecastSummaryOut]:
        """Everything that ``list_forecasts`` gives page by page."""
        before: int | None | Unset = UNSET
        while True:
            page = await self.list_forecasts(limit=limit, source=source, fleet=fleet, before=before)
            for item in page.items:
                yield item
            if not page.next_before:
                return
            before = page.next_before

    async def submit_forecasts(
        self,
        body: models.ForecastBody | list[models.ForecastBody],
        *,
        name: str | Unset = UNSET,
        note: None | str | Unset = UNSET,
        source: models.SubmitForecastsSource | Unset = UNSET,
        corrects: int | None | Unset = UNSET,
        fleet: str | Unset = UNSET,
        x_actor: str | Unset = UNSET,
        if_match: None | str | Unset = UNSET,
        if_none_match: None | str | Unset = UNSET,
        idempotency_key: str | Unset = UNSET,
    ) -> list[models.ForecastSummaryOut]:
        """
        Store forecasts; each gets an id of its own. Their models must be registered. JSON takes
        one or many. As `text/csv` it is one, with the columns `model`, `start`, `hours`,
        `demand_rps` and, if wanted, `low_rps`, `high_rps`, `arrival_cv`; the query says what it
        is called. Nothing that was submitted is ever changed: a later forecast may name the one
        it `corrects`. Of one forecast, If- Match is compared with the ETag of the one that it
        corrects, which changes with each correction. Scope: planner, of the fleet asked for.
        """
        return result(
            await _submit_forecasts.asyncio_detailed(
                client=self.client,
                body=body,
                name=name,
                note=note,
                source=source,
                corrects=corrects,
                fleet=fleet,
                x_actor=x_actor,
                if_match=if_match,
                if_none_match=if_none_match,
                idempotency_key=idempotency_key,
            )
        )

    async def submit_forecasts_csv(
        self,
        csv: str | bytes,
        *,
        name: str | Unset = UNSET,
        note: None | str | Unset = UNSET,
        source: models.SubmitForecastsSource | Unset = UNSET,
        corrects: int | None | Unset = UNSET,
        fleet: str | Unset = UNSET,
        x_actor: str | Unset = UNSET,
        if_match: None | str | Unset = UNSET,
        if_none_match: None | str | Unset = UNSET,
        idempotency_key: str | Unset = UNSET,
    ) -> list[models.ForecastSummaryOut]:
        """``submit_forecasts``, its body as CSV."""
        response = await self.http.request(
            **with_csv(
                _submit_forecasts._get_kwargs(
                    name=name,
                    note=note,
                    source=source,
                    corrects=corrects,
                    fleet=fleet,
                    x_actor=x_actor,
                    if_match=if_match,
                    if_none_match=if_none_match,
                    idempotency_key=idempotency_key,
                    body=[],
                ),
                csv,
            )
        )
        return result(_submit_forecasts._build_response(client=self.client, response=response))

    async def change_fleet(
        self,
        fleet_id: str,
        body: models.FleetChangeBody,
        *,
        x_actor: str | Unset = UNSET,
        if_match: None | str | Unset = UNSET,
        if_none_match: None | str | Unset = UNSET,
    ) -> models.FleetOut:
        """
        Change environment or policy; what is not named stays. Scope: admin, of the fleet asked
        for.
        """
        return result(
            await _change_fleet.asyncio_detailed(
                client=self.client,
                fleet_id=fleet_id,
                body=body,
                x_actor=x_actor,
                if_match=if_match,
                if_none_match=if_none_match,
            )
        )

    async def create_fleet(
        self, body: models.FleetBody, *, x_actor: str | Unset = UNSET, idempotency_key: str | Unset = UNSET
    ) -> models.FleetOut:
        """
        Make a fleet; nothing of another one is seen or changed through it. Scope: admin, of
        every fleet.
        """
        return result(
            await _create_fleet.asyncio_detailed(
                client=self.client, body=body, x_actor=x_actor, idempotency_key=idempotency_key
            )
        )

    async def get_advice(
        self,
        fleet_id: str,
        *,
        since: datetime.datetime | None | Unset = UNSET,
        until: datetime.datetime | None | Unset = UNSET,
        limit: int | Unset = UNSET,
        before: int | None | Unset = UNSET,
    ) -> models.AdvicePage:
        """
        Each plan that was made beside what ran then (the active plan, else the imported one),
        by day. Scope: reader, of the fleet asked for.
        """
        return result(
            await _get_advice.asyncio_detailed(
                client=self.client, fleet_id=fleet_id, since=since, until=until, limit=limit, before=before
            )
        )

    async def all_advice(
        self,
        fleet_id: str,
        *,
        since: datetime.datetime | None | Unset = UNSET,
        until: datetime.datetime | None | Unset = UNSET,
        limit: int | Unset = UNSET,
    ) -> AsyncIterator[models.AdviceOut]:
        """Everything that ``get_advice`` gives page by page."""
        before: int | None | Unset = UNSET
        while True:
            page = await self.get_advice(
                fleet_id=fleet_id, since=since, until=until, limit=limit, before=before
            )
            for item in page.items:
                yield item
            if not page.next_before:
                return
            before = page.next_before

    async def get_fleet(self, fleet_id: str, *, if_none_match: None | str | Unset = UNSET) -> models.FleetOut:
        """
        One fleet, its policy with every default written out. Scope: reader, of the fleet asked
        for.
        """
        return result(
            await _get_fleet.asyncio_detailed(
                client=self.client, fleet_id=fleet_id, if_none_match=if_none_match
            )
        )

    async def list_fleets(
        self,
        *,
        name: None | str | Unset = UNSET,
        limit: int | Unset = UNSET,
        after: None | str | Unset = UNSET,
    ) -> models.FleetPage:
        """Fleets, by name. Scope: reader, of every fleet."""
        return result(
            await _list_fleets.asyncio_detailed(client=self.client, name=name, limit=limit, after=after)
        )

    async def all_fleets(
        self, *, name: None | str | Unset = UNSET, limit: int | Unset = UNSET
    ) -> AsyncIterator[models.FleetOut]:
        """Everything that ``list_fleets`` gives page by page."""
        after: None | str | Unset = UNSET
        while True:
            page = await self.list_fleets(name=name, limit=limit, after=after)
            for item in page.items:
                yield item
            if not page.next_after:
                return
            after = page.next_after

    async def healthz(self) -> models.Health:
        """The process answers."""
        return result(await _healthz.asyncio_detailed(client=self.client))

    async def readyz(self) -> models.Health:
        """The database can be reached and has the schema of this version."""
        return result(await _readyz.asyncio_detailed(client=self.client))

    async def get_node(
        self, node_id: str, *, fleet: str | Unset = UNSET, if_none_match: None | str | Unset = UNSET
    ) -> models.NodeOut:
        """One node, and its last heartbeat. Scope: reader, of the fleet asked for."""
        return result(
            await _get_node.asyncio_detailed(
                client=self.client, node_id=node_id, fleet=fleet, if_none_match=if_none_match
            )
        )

    async def list_nodes(
        self,
        *,
        name: None | str | Unset = UNSET,
        limit: int | Unset = UNSET,
        after: None | str | Unset = UNSET,
        fleet: str | Unset = UNSET,
    ) -> models.NodePage:
        """Nodes that were ever heard of, by name. Scope: reader, of the fleet asked for."""
        return result(
            await _list_nodes.asyncio_detailed(
                client=self.client, name=name, limit=limit, after=after, fleet=fleet
            )
        )

    async def all_nodes(
        self, *, name: None | str | Unset = UNSET, limit: int | Unset = UNSET, fleet: str | Unset = UNSET
    ) -> AsyncIterator[models.NodeOut]:
        """Everything that ``list_nodes`` gives page by page."""
        after: None | str | Unset = UNSET
        while True:
            page = await self.list_nodes(name=name, limit=limit, fleet=fleet, after=after)
            for item in page.items:
                yield item
            if not page.next_after:
                return
            after = page.next_after

    async def put_heartbeat(
        self, node_id: str, body: models.HeartbeatBody, *, fleet: str | Unset = UNSET
    ) -> models.NodeOut:
        """
        Take a node's heartbeat in place of the one before; a node is known from its first one
        on. Scope: dispatcher, of the fleet asked for.
        """
        return result(
            await _put_heartbeat.asyncio_detailed(client=self.client, node_id=node_id, body=body, fleet=fleet)
        )

    async def get_observed_load(
        self,
        *,
        since: datetime.datetime | None | Unset = UNSET,
        until: datetime.datetime | None | Unset = UNSET,
        plan_version: int | None | Unset = UNSET,
        fleet: str | Unset = UNSET,
    ) -> models.ObservedLoadOut:
        """
        What dispatchers measured, put together by model. A look at too much is refused, never
        cut. Scope: reader, of the fleet asked for.
        """
        return result(
            await _get_observed_load.asyncio_detailed(
                client=self.client, since=since, until=until, plan_version=plan_version, fleet=fleet
            )
        )

    async def get_observed_series(
        self,
        *,
        model: list[str],
        since: datetime.datetime,
        until: datetime.datetime,
        resolution: None | models.Resolution | Unset = UNSET,
        fleet: str | Unset = UNSET,
    ) -> models.ObservedSeriesOut:
        """
        Observed load by intervals aligned to the hour: null where nobody reported, 0 where it
        was reported that none came. At most 20,000 points are answered; more are refused.
        Scope: reader, of the fleet asked for.
        """
        return result(
            await _get_observed_series.asyncio_detailed(
                client=self.client, model=model, since=since, until=until, resolution=resolution, fleet=fleet
            )
        )

    async def list_reporters(
        self, *, limit: int | Unset = UNSET, after: None | str | Unset = UNSET, fleet: str | Unset = UNSET
    ) -> models.ReporterPage:
        """
        Who reports, those heard of last first, and how many of their reports were new, repeated
        or refused. Scope: reader, of the fleet asked for.
        """
        return result(
            await _list_reporters.asyncio_detailed(client=self.client, limit=limit, after=after, fleet=fleet)
        )

    async def all_reporters(
        self, *, limit: int | Unset = UNSET, fleet: str | Unset = UNSET
    ) -> AsyncIterator[models.ReporterOut]:
        """Everything that ``list_reporters`` gives page by page."""
        after: None | str | Unset = UNSET
        while True:
            page = await self.list_reporters(limit=limit, fleet=fleet, after=after)
            for item in page.items:
                yield item
            if not page.next_after:
                return
            after = page.next_after

    async def submit_load_reports(
        self,
        body: list[models.LoadReportBody] | models.LoadReportBody,
        *,
        fleet: str | Unset = UNSET,
        idempotency_key: str | Unset = UNSET,
    ) -> models.ReceivedOut:
        """
        Take load reports. Each interval of each sub-cluster of a plan version counts once, late
        or sent again. A repetition with other numbers changes nothing, and neither does an
        interval that lies across others: both are counted and told. Scope: dispatcher, of the
        fleet asked for.
        """
        return result(
            await _submit_load_reports.asyncio_detailed(
                client=self.client, body=body, fleet=fleet, idempotency_key=idempotency_key
            )
        )

    async def activate_plan(
        self,
        body: models.ActivationBody,
        *,
        fleet: str | Unset = UNSET,
        x_actor: str | Unset = UNSET,
        if_match: None | str | Unset = UNSET,
        if_none_match: None | str | Unset = UNSET,
        idempotency_key: str | Unset = UNSET,
    ) -> models.ActivationOut | models.RunOut:
        """
        Make an approved plan the active one. A superseded plan becomes active again (a roll
        back) once it is certified against the newest demand: the answer is 202 and the run that
        does so, which ends with the activation of a new version that repeats the old one. With
        `certify: "skip"` and a reason it becomes active at once, and the audit log says so.
        If-Match is compared with the ETag of the activation in force, `GET
        /v1/activations/current`. Scope: approver, of the fleet asked for.
        """
        return result(
            await _activate_plan.asyncio_detailed(
                client=self.client,
                body=body,
                fleet=fleet,
                x_actor=x_actor,
                if_match=if_match,
                if_none_match=if_none_match,
                idempotency_key=idempotency_key,
            )
        )

    async def approve_plan(
        self,
        version: int,
        body: models.ApprovalBody,
        *,
        fleet: str | Unset = UNSET,
        x_actor: str | Unset = UNSET,
        if_match: None | str | Unset = UNSET,
        if_none_match: None | str | Unset = UNSET,
        idempotency_key: str | Unset = UNSET,
    ) -> models.PlanSummaryOut:
        """
        Approve a certified plan, for the content that `plan_id` names; again by the same one is
        harmless. Scope: approver, of the fleet asked for.
        """
        return result(
            await _approve_plan.asyncio_detailed(
                client=self.client,
                version=version,
                body=body,
                fleet=fleet,
                x_actor=x_actor,
                if_match=if_match,
                if_none_match=if_none_match,
                idempotency_key=idempotency_key,
            )
        )

    async def get_certificate(self, version: int, *, fleet: str | Unset = UNSET) -> models.CertificateOut:
        """
        The simulated evidence that the plan keeps its SLOs. Scope: reader, of the fleet asked
        for.
        """
        return result(
            await _get_certificate.asyncio_detailed(client=self.client, version=version, fleet=fleet)
        )

    async def get_current_activation(
        self,
        *,
        wait_s: float | Unset = UNSET,
        fleet: str | Unset = UNSET,
        if_none_match: None | str | Unset = UNSET,
    ) -> models.ActivationOut:
        """
        The activation in force; who asks with If-None-Match may wait until there is another.
        Scope: dispatcher or reader, of the fleet asked for.
        """
        return result(
            await _get_current_activation.asyncio_detailed(
                client=self.client, wait_s=wait_s, fleet=fleet, if_none_match=if_none_match
            )
        )

    async def get_difference(
        self, version: int, *, against: int | None | Unset = UNSET, fleet: str | Unset = UNSET
    ) -> models.DifferenceOut:
        """
        What moves from another plan to this one: by default from the active one, or the one
        before it. Scope: reader, of the fleet asked for.
        """
        return result(
            await _get_difference.asyncio_detailed(
                client=self.client, version=version, against=against, fleet=fleet
            )
        )

    async def get_explanation(
        self,
        version: int,
        *,
        model: list[str] | None | Unset = UNSET,
        time_limit_s: float | Unset = UNSET,
        seed: int | Unset = UNSET,
        fleet: str | Unset = UNSET,
    ) -> models.ExplanationOut:
        """
        Why the plan is as it is: what clashes and would help, what binds, what was refused,
        what rules cost. Problems are solved again to find out, for as long as `time_limit_s`
        says, one such question at a time on a server; another is answered 409. Scope: reader,
        of the fleet asked for.
        """
        return result(
            await _get_explanation.asyncio_detailed(
                client=self.client,
                version=version,
                model=model,
                time_limit_s=time_limit_s,
                seed=seed,
                fleet=fleet,
            )
        )

    async def get_plan(
        self, version: int, *, fleet: str | Unset = UNSET, if_none_match: None | str | Unset = UNSET
    ) -> models.PlanOut:
        """
        One plan version, whole. Only its state ever changes, and the ETag with it. Scope:
        reader, of the fleet asked for.
        """
        return result(
            await _get_plan.asyncio_detailed(
                client=self.client, version=version, fleet=fleet, if_none_match=if_none_match
            )
        )

    async def get_plan_history(self, version: int, *, fleet: str | Unset = UNSET) -> models.HistoryOut:
        """Who decided what of the plan, when and why. Scope: reader, of the fleet asked for."""
        return result(
            await _get_plan_history.asyncio_detailed(client=self.client, version=version, fleet=fleet)
        )

    async def get_problem(
        self, version: int, *, fleet: str | Unset = UNSET
    ) -> models.GetProblemResponseGetProblem:
        """
        The planning problem that the plan answers, in its file format
        (docs/reference/problem.schema.json). Scope: reader, of the fleet asked for.
        """
        return result(await _get_problem.asyncio_detailed(client=self.client, version=version, fleet=fleet))

    async def get_rollout(
        self,
        version: int,
        *,
        against: int | None | Unset = UNSET,
        epoch: int | Unset = UNSET,
        epoch_before: int | None | Unset = UNSET,
        load_gib_per_s: float | Unset = UNSET,
        loss_allowed: bool | Unset = UNSET,
        spares: models.GetRolloutSpares | Unset = UNSET,
        fleet: str | Unset = UNSET,
    ) -> models.RolloutOut:
        """
        The order of loads, unloads and switches to this plan: by default from the active one,
        or from the one before it. Where there is no such order the answer is 409 and names what
        is missing. What nodes would carry out now opens spares on kept GPUs only. Scope:
        reader, of the fleet asked for.
        """
        return result(
            await _get_rollout.asyncio_detailed(
                client=self.client,
                version=version,
                against=against,
                epoch=epoch,
                epoch_before=epoch_before,
                load_gib_per_s=load_gib_per_s,
                loss_allowed=loss_allowed,
                spares=spares,
                fleet=fleet,
            )
        )

    async def get_serving(self, version: int, *, fleet: str | Unset = UNSET) -> models.ServingOut:
        """
        Where a plan is served already: its sub-clusters, as their nodes said within the last
        minute. Scope: dispatcher or reader, of the fleet asked for.
        """
        return result(await _get_serving.asyncio_detailed(client=self.client, version=version, fleet=fleet))

    async def get_sub_cluster(
        self,
        version: int,
        sub_cluster: str,
        *,
        epoch: int | None | Unset = UNSET,
        fleet: str | Unset = UNSET,
        if_none_match: None | str | Unset = UNSET,
    ) -> models.SubClusterSpecOut:
        """
        A sub-cluster as its dispatcher runs it, its load reports addressed to this server.
        Scope: dispatcher or reader, of the fleet asked for.
        """
        return result(
            await _get_sub_cluster.asyncio_detailed(
                client=self.client,
                version=version,
                sub_cluster=sub_cluster,
                epoch=epoch,
                fleet=fleet,
                if_none_match=if_none_match,
            )
        )

    async def list_activations(
        self,
        *,
        limit: int | Unset = UNSET,
        before: int | None | Unset = UNSET,
        plan_version: int | None | Unset = UNSET,
        kind: None | str | Unset = UNSET,
        actor: None | str | Unset = UNSET,
        since: datetime.datetime | None | Unset = UNSET,
        until: datetime.datetime | None | Unset = UNSET,
        fleet: str | Unset = UNSET,
    ) -> models.ActivationPage:
        """Activations, the newest first. Scope: reader, of the fleet asked for."""
        return result(
            await _list_activations.asyncio_detailed(
                client=self.client,
                limit=limit,
                before=before,
                plan_version=plan_version,
                kind=kind,
                actor=actor,
                since=since,
                until=until,
                fleet=fleet,
            )
        )

    async def all_activations(
        self,
        *,
        limit: int | Unset = UNSET,
        plan_version: int | None | Unset = UNSET,
        kind: None | str | Unset = UNSET,
        actor: None | str | Unset = UNSET,
        since: datetime.datetime | None | Unset = UNSET,
        until: datetime.datetime | None | Unset = UNSET,
        fleet: str | Unset = UNSET,
    ) -> AsyncIterator[models.ActivationOut]:
        """Everything that ``list_activations`` gives page by page."""
        before: int | None | Unset = UNSET
        while True:
            page = await self.list_activations(
                limit=limit,
                plan_version=plan_version,
                kind=kind,
                actor=actor,
                since=since,
                until=until,
                fleet=fleet,
                before=before,
            )
            for item in page.items:
                yield item
            if not page.next_before:
                return
            before = page.next_before

    async def list_plans(
        self,
        *,
        limit: int | Unset = UNSET,
        before: int | None | Unset = UNSET,
        state: None | models.PlanState | Unset = UNSET,
        forecast_id: int | None | Unset = UNSET,
        since: datetime.datetime | None | Unset = UNSET,
        until: datetime.datetime | None | Unset = UNSET,
        fleet: str | Unset = UNSET,
    ) -> models.PlanSummaryPage:
        """Plan versions, the newest first. Scope: reader, of the fleet asked for."""
        return result(
            await _list_plans.asyncio_detailed(
                client=self.client,
                limit=limit,
                before=before,
                state=state,
                forecast_id=forecast_id,
                since=since,
                until=until,
                fleet=fleet,
            )
        )

    async def all_plans(
        self,
        *,
        limit: int | Unset = UNSET,
        state: None | models.PlanState | Unset = UNSET,
        forecast_id: int | None | Unset = UNSET,
        since: datetime.datetime | None | Unset = UNSET,
        until: datetime.datetime | None | Unset = UNSET,
        fleet: str | Unset = UNSET,
    ) -> AsyncIterator[models.PlanSummaryOut]:
        """Everything that ``list_plans`` gives page by page."""
        before: int | None | Unset = UNSET
        while True:
            page = await self.list_plans(
                limit=limit,
                state=state,
                forecast_id=forecast_id,
                since=since,
                until=until,
                fleet=fleet,
                before=before,
            )
            for item in page.items:
                yield item
            if not page.next_before:
                return
            before = page.next_before

    async def post_imported_plan(
        self,
        body: models.ImportBody,
        *,
        fleet: str | Unset = UNSET,
        x_actor: str | Unset = UNSET,
        idempotency_key: str | Unset = UNSET,
    ) -> models.ImportedOut:
        """
        Hand in what the fleet runs by other means: plans are compared with it; it is never
        activated. Scope: planner, of the fleet asked for.
        """
        return result(
            await _post_imported_plan.asyncio_detailed(
                client=self.client, body=body, fleet=fleet, x_actor=x_actor, idempotency_key=idempotency_key
            )
        )

    async def reject_plan(
        self,
        version: int,
        body: models.RejectionBody,
        *,
        fleet: str | Unset = UNSET,
        x_actor: str | Unset = UNSET,
        if_match: None | str | Unset = UNSET,
        if_none_match: None | str | Unset = UNSET,
        idempotency_key: str | Unset = UNSET,
    ) -> models.PlanSummaryOut:
        """Reject a plan that is not active, for good. Scope: approver, of the fleet asked for."""
        return result(
            await _reject_plan.asyncio_detailed(
                client=self.client,
                version=version,
                body=body,
                fleet=fleet,
                x_actor=x_actor,
                if_match=if_match,
                if_none_match=if_none_match,
                idempotency_key=idempotency_key,
            )
        )

    async def accept_profile_proposal(
        self,
        proposal_id: int,
        body: models.DecisionBody,
        *,
        fleet: str | Unset = UNSET,
        x_actor: str | Unset = UNSET,
        if_match: None | str | Unset = UNSET,
        if_none_match: None | str | Unset = UNSET,
        idempotency_key: str | Unset = UNSET,
    ) -> models.ProfileProposalOut:
        """
        Make the proposed curve the profile's next version. Refused when the profile has changed
        meanwhile. Scope: planner, of every fleet.
        """
        return result(
            await _accept_profile_proposal.asyncio_detailed(
                client=self.client,
                proposal_id=proposal_id,
                body=body,
                fleet=fleet,
                x_actor=x_actor,
                if_match=if_match,
                if_none_match=if_none_match,
                idempotency_key=idempotency_key,
            )
        )

    async def get_profile_proposal(
        self, proposal_id: int, *, fleet: str | Unset = UNSET, if_none_match: None | str | Unset = UNSET
    ) -> models.ProfileProposalOut:
        """One proposal and its evidence. Scope: reader, of the fleet asked for."""
        return result(
            await _get_profile_proposal.asyncio_detailed(
                client=self.client, proposal_id=proposal_id, fleet=fleet, if_none_match=if_none_match
            )
        )

    async def list_planned_profiles(
        self,
        version: int,
        *,
        limit: int | Unset = UNSET,
        after: None | str | Unset = UNSET,
        fleet: str | Unset = UNSET,
    ) -> models.PlannedProfilePage:
        """
        Which version of each profile a plan counted on, by model and GPU type. Scope: reader,
        of the fleet asked for.
        """
        return result(
            await _list_planned_profiles.asyncio_detailed(
                client=self.client, version=version, limit=limit, after=after, fleet=fleet
            )
        )

    async def all_planned_profiles(
        self, version: int, *, limit: int | Unset = UNSET, fleet: str | Unset = UNSET
    ) -> AsyncIterator[models.PlannedProfileOut]:
        """Everything that ``list_planned_profiles`` gives page by page."""
        after: None | str | Unset = UNSET
        while True:
            page = await self.list_planned_profiles(version=version, limit=limit, fleet=fleet, after=after)
            for item in page.items:
                yield item
            if not page.next_after:
                return
            after = page.next_after

    async def list_profile_proposals(
        self,
        *,
        state: None | models.ProposalState | Unset = UNSET,
        limit: int | Unset = UNSET,
        before: int | None | Unset = UNSET,
        fleet: str | Unset = UNSET,
    ) -> models.ProfileProposalPage:
        """
        Proposed corrections of profiles, the newest first. Scope: reader, of the fleet asked
        for.
        """
        return result(
            await _list_profile_proposals.asyncio_detailed(
                client=self.client, state=state, limit=limit, before=before, fleet=fleet
            )
        )

    async def all_profile_proposals(
        self,
        *,
        state: None | models.ProposalState | Unset = UNSET,
        limit: int | Unset = UNSET,
        fleet: str | Unset = UNSET,
    ) -> AsyncIterator[models.ProfileProposalOut]:
        """Everything that ``list_profile_proposals`` gives page by page."""
        before: int | None | Unset = UNSET
        while True:
            page = await self.list_profile_proposals(state=state, limit=limit, fleet=fleet, before=before)
            for item in page.items:
                yield item
            if not page.next_before:
                return
            before = page.next_before

    async def list_profile_versions(
        self,
        model: str,
        gpu_type: str,
        *,
        limit: int | Unset = UNSET,
        before: int | None | Unset = UNSET,
        fleet: str | Unset = UNSET,
    ) -> models.ProfileVersionPage:
        """
        Versions of a profile, the newest first; the first of all is the registered one. Scope:
        reader, of any fleet.
        """
        return result(
            await _list_profile_versions.asyncio_detailed(
                client=self.client, model=model, gpu_type=gpu_type, limit=limit, before=before, fleet=fleet
            )
        )

    async def all_profile_versions(
        self, model: str, gpu_type: str, *, limit: int | Unset = UNSET, fleet: str | Unset = UNSET
    ) -> AsyncIterator[models.ProfileVersionOut]:
        """Everything that ``list_profile_versions`` gives page by page."""
        before: int | None | Unset = UNSET
        while True:
            page = await self.list_profile_versions(
                model=model, gpu_type=gpu_type, limit=limit, fleet=fleet, before=before
            )
            for item in page.items:
                yield item
            if not page.next_before:
                return
            before = page.next_before

    async def look_for_profile_drift(
        self, *, fleet: str | Unset = UNSET, idempotency_key: str | Unset = UNSET
    ) -> list[models.ProfileProposalOut]:
        """
        Look for profiles that the last day's measurements contradict, now and not within the
        hour; what is new. Scope: planner, of every fleet.
        """
        return result(
            await _look_for_profile_drift.asyncio_detailed(
                client=self.client, fleet=fleet, idempotency_key=idempotency_key
            )
        )

    async def reject_profile_proposal(
        self,
        proposal_id: int,
        body: models.DecisionBody,
        *,
        fleet: str | Unset = UNSET,
        x_actor: str | Unset = UNSET,
        if_match: None | str | Unset = UNSET,
        if_none_match: None | str | Unset = UNSET,
        idempotency_key: str | Unset = UNSET,
    ) -> models.ProfileProposalOut:
        """
        Leave the profile as it is; the same is not proposed again. Scope: planner, of every
        fleet.
        """
        return result(
            await _reject_profile_proposal.asyncio_detailed(
                client=self.client,
                proposal_id=proposal_id,
                body=body,
                fleet=fleet,
                x_actor=x_actor,
                if_match=if_match,
                if_none_match=if_none_match,
                idempotency_key=idempotency_key,
            )
        )

    async def delete_gpu_type(
        self,
        gpu_type: str,
        *,
        fleet: str | Unset = UNSET,
        x_actor: str | Unset = UNSET,
        if_match: None | str | Unset = UNSET,
        if_none_match: None | str | Unset = UNSET,
    ) -> None:
        """Delete a GPU type that no pool and no profile names. Scope: planner, of every fleet."""
        result(
            await _delete_gpu_type.asyncio_detailed(
                client=self.client,
                gpu_type=gpu_type,
                fleet=fleet,
                x_actor=x_actor,
                if_match=if_match,
                if_none_match=if_none_match,
            )
        )

    async def delete_model(
        self,
        model: str,
        *,
        fleet: str | Unset = UNSET,
        x_actor: str | Unset = UNSET,
        if_match: None | str | Unset = UNSET,
        if_none_match: None | str | Unset = UNSET,
    ) -> None:
        """
        Delete a model that no profile, no forecast and no active plan names. Scope: planner, of
        every fleet.
        """
        result(
            await _delete_model.asyncio_detailed(
                client=self.client,
                model=model,
                fleet=fleet,
                x_actor=x_actor,
                if_match=if_match,
                if_none_match=if_none_match,
            )
        )

    async def delete_pool(
        self,
        gpu_type: str,
        zone: str,
        *,
        fleet: str | Unset = UNSET,
        x_actor: str | Unset = UNSET,
        if_match: None | str | Unset = UNSET,
        if_none_match: None | str | Unset = UNSET,
    ) -> None:
        """
        Delete a pool that the active plan has no GPUs in. Scope: planner, of the fleet asked
        for.
        """
        result(
            await _delete_pool.asyncio_detailed(
                client=self.client,
                gpu_type=gpu_type,
                zone=zone,
                fleet=fleet,
                x_actor=x_actor,
                if_match=if_match,
                if_none_match=if_none_match,
            )
        )

    async def delete_profile(
        self,
        model: str,
        gpu_type: str,
        *,
        fleet: str | Unset = UNSET,
        x_actor: str | Unset = UNSET,
        if_match: None | str | Unset = UNSET,
        if_none_match: None | str | Unset = UNSET,
    ) -> None:
        """Delete a profile that no active plan rests on. Scope: planner, of every fleet."""
        result(
            await _delete_profile.asyncio_detailed(
                client=self.client,
                model=model,
                gpu_type=gpu_type,
                fleet=fleet,
                x_actor=x_actor,
                if_match=if_match,
                if_none_match=if_none_match,
            )
        )

    async def get_gpu_type(
        self, gpu_type: str, *, fleet: str | Unset = UNSET, if_none_match: None | str | Unset = UNSET
    ) -> models.GpuTypeOut:
        """One GPU type. Scope: reader, of any fleet."""
        return result(
            await _get_gpu_type.asyncio_detailed(
                client=self.client, gpu_type=gpu_type, fleet=fleet, if_none_match=if_none_match
            )
        )

    async def get_model(
        self, model: str, *, fleet: str | Unset = UNSET, if_none_match: None | str | Unset = UNSET
    ) -> models.ModelOut:
        """One model. Scope: reader, of any fleet."""
        return result(
            await _get_model.asyncio_detailed(
                client=self.client, model=model, fleet=fleet, if_none_match=if_none_match
            )
        )

    async def get_pool(
        self,
        gpu_type: str,
        zone: str,
        *,
        fleet: str | Unset = UNSET,
        if_none_match: None | str | Unset = UNSET,
    ) -> models.PoolOut:
        """One pool. Scope: reader, of the fleet asked for."""
        return result(
            await _get_pool.asyncio_detailed(
                client=self.client, gpu_type=gpu_type, zone=zone, fleet=fleet, if_none_match=if_none_match
            )
        )

    async def get_profile(
        self,
        model: str,
        gpu_type: str,
        *,
        fleet: str | Unset = UNSET,
        if_none_match: None | str | Unset = UNSET,
    ) -> models.ProfileOut:
        """One profile. Scope: reader, of any fleet."""
        return result(
            await _get_profile.asyncio_detailed(
                client=self.client, model=model, gpu_type=gpu_type, fleet=fleet, if_none_match=if_none_match
            )
        )

    async def list_gpu_types(
        self,
        *,
        name: None | str | Unset = UNSET,
        limit: int | Unset = UNSET,
        after: None | str | Unset = UNSET,
        fleet: str | Unset = UNSET,
    ) -> models.GpuTypePage:
        """GPU types, by id. Scope: reader, of any fleet."""
        return result(
            await _list_gpu_types.asyncio_detailed(
                client=self.client, name=name, limit=limit, after=after, fleet=fleet
            )
        )

    async def all_gpu_types(
        self, *, name: None | str | Unset = UNSET, limit: int | Unset = UNSET, fleet: str | Unset = UNSET
    ) -> AsyncIterator[models.GpuTypeOut]:
        """Everything that ``list_gpu_types`` gives page by page."""
        after: None | str | Unset = UNSET
        while True:
            page = await self.list_gpu_types(name=name, limit=limit, fleet=fleet, after=after)
            for item in page.items:
                yield item
            if not page.next_after:
                return
            after = page.next_after

    async def list_models(
        self,
        *,
        name: None | str | Unset = UNSET,
        limit: int | Unset = UNSET,
        after: None | str | Unset = UNSET,
        fleet: str | Unset = UNSET,
    ) -> models.ModelPage:
        """Models, by id. Scope: reader, of any fleet."""
        return result(
            await _list_models.asyncio_detailed(
                client=self.client, name=name, limit=limit, after=after, fleet=fleet
            )
        )

    async def all_models(
        self, *, name: None | str | Unset = UNSET, limit: int | Unset = UNSET, fleet: str | Unset = UNSET
    ) -> AsyncIterator[models.ModelOut]:
        """Everything that ``list_models`` gives page by page."""
        after: None | str | Unset = UNSET
        while True:
            page = await self.list_models(name=name, limit=limit, fleet=fleet, after=after)
            for item in page.items:
                yield item
            if not page.next_after:
                return
            after = page.next_after

    async def list_pools(
        self,
        *,
        gpu_type: None | str | Unset = UNSET,
        zone: None | str | Unset = UNSET,
        limit: int | Unset = UNSET,
        after: None | str | Unset = UNSET,
        fleet: str | Unset = UNSET,
    ) -> models.PoolPage:
        """Pools, by GPU type and zone. Scope: reader, of the fleet asked for."""
        return result(
            await _list_pools.asyncio_detailed(
                client=self.client, gpu_type=gpu_type, zone=zone, limit=limit, after=after, fleet=fleet
            )
        )

    async def all_pools(
        self,
        *,
        gpu_type: None | str | Unset = UNSET,
        zone: None | str | Unset = UNSET,
        limit: int | Unset = UNSET,
        fleet: str | Unset = UNSET,
    ) -> AsyncIterator[models.PoolOut]:
        """Everything that ``list_pools`` gives page by page."""
        after: None | str | Unset = UNSET
        while True:
            page = await self.list_pools(gpu_type=gpu_type, zone=zone, limit=limit, fleet=fleet, after=after)
            for item in page.items:
                yield item
            if not page.next_after:
                return
            after = page.next_after

    async def list_profiles(
        self,
        *,
        model: None | str | Unset = UNSET,
        gpu_type: None | str | Unset = UNSET,
        limit: int | Unset = UNSET,
        after: None | str | Unset = UNSET,
        fleet: str | Unset = UNSET,
    ) -> models.ProfilePage:
        """
        Profiles, by model and GPU type; or those of one model or GPU type. Scope: reader, of
        any fleet.
        """
        return result(
            await _list_profiles.asyncio_detailed(
                client=self.client, model=model, gpu_type=gpu_type, limit=limit, after=after, fleet=fleet
            )
        )

    async def all_profiles(
        self,
        *,
        model: None | str | Unset = UNSET,
        gpu_type: None | str | Unset = UNSET,
        limit: int | Unset = UNSET,
        fleet: str | Unset = UNSET,
    ) -> AsyncIterator[models.ProfileOut]:
        """Everything that ``list_profiles`` gives page by page."""
        after: None | str | Unset = UNSET
        while True:
            page = await self.list_profiles(
                model=model, gpu_type=gpu_type, limit=limit, fleet=fleet, after=after
            )
            for item in page.items:
                yield item
            if not page.next_after:
                return
            after = page.next_after

    async def put_gpu_type(
        self,
        gpu_type: str,
        body: models.GpuTypeBody,
        *,
        fleet: str | Unset = UNSET,
        x_actor: str | Unset = UNSET,
        if_match: None | str | Unset = UNSET,
        if_none_match: None | str | Unset = UNSET,
    ) -> models.GpuTypeOut:
        """
        Create or replace one GPU type; its id in the body is that of the path. Scope: planner,
        of every fleet.
        """
        return result(
            await _put_gpu_type.asyncio_detailed(
                client=self.client,
                gpu_type=gpu_type,
                body=body,
                fleet=fleet,
                x_actor=x_actor,
                if_match=if_match,
                if_none_match=if_none_match,
            )
        )

    async def put_model(
        self,
        model: str,
        body: models.ModelBody,
        *,
        fleet: str | Unset = UNSET,
        x_actor: str | Unset = UNSET,
        if_match: None | str | Unset = UNSET,
        if_none_match: None | str | Unset = UNSET,
    ) -> models.ModelOut:
        """
        Create or replace one model; its id in the body is that of the path. Scope: planner, of
        every fleet.
        """
        return result(
            await _put_model.asyncio_detailed(
                client=self.client,
                model=model,
                body=body,
                fleet=fleet,
                x_actor=x_actor,
                if_match=if_match,
                if_none_match=if_none_match,
            )
        )

    async def put_pool(
        self,
        gpu_type: str,
        zone: str,
        body: models.PoolBody,
        *,
        fleet: str | Unset = UNSET,
        x_actor: str | Unset = UNSET,
        if_match: None | str | Unset = UNSET,
        if_none_match: None | str | Unset = UNSET,
    ) -> models.PoolOut:
        """
        Create or replace one pool; its GPU type and zone in the body are those of the path.
        Scope: planner, of the fleet asked for.
        """
        return result(
            await _put_pool.asyncio_detailed(
                client=self.client,
                gpu_type=gpu_type,
                zone=zone,
                body=body,
                fleet=fleet,
                x_actor=x_actor,
                if_match=if_match,
                if_none_match=if_none_match,
            )
        )

    async def put_profile(
        self,
        model: str,
        gpu_type: str,
        body: models.ProfileBody,
        *,
        fleet: str | Unset = UNSET,
        x_actor: str | Unset = UNSET,
        if_match: None | str | Unset = UNSET,
        if_none_match: None | str | Unset = UNSET,
    ) -> models.ProfileOut:
        """
        Create or replace one profile; its model and GPU type in the body are those of the path.
        Scope: planner, of every fleet.
        """
        return result(
            await _put_profile.asyncio_detailed(
                client=self.client,
                model=model,
                gpu_type=gpu_type,
                body=body,
                fleet=fleet,
                x_actor=x_actor,
                if_match=if_match,
                if_none_match=if_none_match,
            )
        )

    async def submit_gpu_types(
        self,
        body: models.GpuTypeBody | list[models.GpuTypeBody],
        *,
        fleet: str | Unset = UNSET,
        x_actor: str | Unset = UNSET,
        if_match: None | str | Unset = UNSET,
        if_none_match: None | str | Unset = UNSET,
        idempotency_key: str | Unset = UNSET,
    ) -> models.UpsertedOut:
        """
        Create or replace GPU types: one, or an array of which all are stored or none. Scope:
        planner, of every fleet.
        """
        return result(
            await _submit_gpu_types.asyncio_detailed(
                client=self.client,
                body=body,
                fleet=fleet,
                x_actor=x_actor,
                if_match=if_match,
                if_none_match=if_none_match,
                idempotency_key=idempotency_key,
            )
        )

    async def submit_models(
        self,
        body: list[models.ModelBody] | models.ModelBody,
        *,
        fleet: str | Unset = UNSET,
        x_actor: str | Unset = UNSET,
        if_match: None | str | Unset = UNSET,
        if_none_match: None | str | Unset = UNSET,
        idempotency_key: str | Unset = UNSET,
    ) -> models.ModelsUpsertedOut:
        """
        Create or replace models, and those of their profiles that come with them. Scope:
        planner, of every fleet.
        """
        return result(
            await _submit_models.asyncio_detailed(
                client=self.client,
                body=body,
                fleet=fleet,
                x_actor=x_actor,
                if_match=if_match,
                if_none_match=if_none_match,
                idempotency_key=idempotency_key,
            )
        )

    async def submit_pools(
        self,
        body: list[models.PoolBody] | models.PoolBody,
        *,
        fleet: str | Unset = UNSET,
        x_actor: str | Unset = UNSET,
        if_match: None | str | Unset = UNSET,
        if_none_match: None | str | Unset = UNSET,
        idempotency_key: str | Unset = UNSET,
    ) -> models.UpsertedOut:
        """
        Create or replace pools; their GPU types must be registered. Scope: planner, of the
        fleet asked for.
        """
        return result(
            await _submit_pools.asyncio_detailed(
                client=self.client,
                body=body,
                fleet=fleet,
                x_actor=x_actor,
                if_match=if_match,
                if_none_match=if_none_match,
                idempotency_key=idempotency_key,
            )
        )

    async def submit_profiles(
        self,
        body: list[models.ProfileBody] | models.ProfileBody,
        *,
        fleet: str | Unset = UNSET,
        x_actor: str | Unset = UNSET,
        if_match: None | str | Unset = UNSET,
        if_none_match: None | str | Unset = UNSET,
        idempotency_key: str | Unset = UNSET,
    ) -> models.UpsertedOut:
        """
        Create or replace profiles; their models and GPU types must be registered. Scope:
        planner, of every fleet.
        """
        return result(
            await _submit_profiles.asyncio_detailed(
                client=self.client,
                body=body,
                fleet=fleet,
                x_actor=x_actor,
                if_match=if_match,
                if_none_match=if_none_match,
                idempotency_key=idempotency_key,
            )
        )

    async def replay_day(
        self, body: models.ReplayBody, *, fleet: str | Unset = UNSET, idempotency_key: str | Unset = UNSET
    ) -> models.ReplayedDayOut:
        """
        What would have been on a past day, beside what was. The day is planned from what was
        known when it began, and that plan and the active one are simulated at the load observed
        on the day. Nothing is stored. It takes as long as a run: seconds to minutes. Scope:
        planner, of the fleet asked for.
        """
        return result(
            await _replay_day.asyncio_detailed(
                client=self.client, body=body, fleet=fleet, idempotency_key=idempotency_key
            )
        )

    async def cancel_run(
        self, run_id: str, *, fleet: str | Unset = UNSET, x_actor: str | Unset = UNSET
    ) -> models.RunOut:
        """
        Cancel a run, queued or running: it has ended when this answers, and its solver is
        killed. Scope: planner, of the fleet asked for.
        """
        return result(
            await _cancel_run.asyncio_detailed(
                client=self.client, run_id=run_id, fleet=fleet, x_actor=x_actor
            )
        )

    async def get_run(
        self, run_id: str, *, fleet: str | Unset = UNSET, if_none_match: None | str | Unset = UNSET
    ) -> models.RunOut:
        """
        One run: state, progress, and the plan version it made. Scope: reader, of the fleet
        asked for.
        """
        return result(
            await _get_run.asyncio_detailed(
                client=self.client, run_id=run_id, fleet=fleet, if_none_match=if_none_match
            )
        )

    async def list_runs(
        self,
        *,
        limit: int | Unset = UNSET,
        before: None | str | Unset = UNSET,
        state: None | models.RunState | Unset = UNSET,
        forecast_id: int | None | Unset = UNSET,
        actor: None | str | Unset = UNSET,
        since: datetime.datetime | None | Unset = UNSET,
        until: datetime.datetime | None | Unset = UNSET,
        fleet: str | Unset = UNSET,
    ) -> models.RunPage:
        """Runs, the newest first. Scope: reader, of the fleet asked for."""
        return result(
            await _list_runs.asyncio_detailed(
                client=self.client,
                limit=limit,
                before=before,
                state=state,
                forecast_id=forecast_id,
                actor=actor,
                since=since,
                until=until,
                fleet=fleet,
            )
        )

    async def all_runs(
        self,
        *,
        limit: int | Unset = UNSET,
        state: None | models.RunState | Unset = UNSET,
        forecast_id: int | None | Unset = UNSET,
        actor: None | str | Unset = UNSET,
        since: datetime.datetime | None | Unset = UNSET,
        until: datetime.datetime | None | Unset = UNSET,
        fleet: str | Unset = UNSET,
    ) -> AsyncIterator[models.RunSummaryOut]:
        """Everything that ``list_runs`` gives page by page."""
        before: None | str | Unset = UNSET
        while True:
            page = await self.list_runs(
                limit=limit,
                state=state,
                forecast_id=forecast_id,
                actor=actor,
                since=since,
                until=until,
                fleet=fleet,
                before=before,
            )
            for item in page.items:
                yield item
            if not page.next_before:
                return
            before = page.next_before

    async def start_run(
        self,
        body: models.RunBody,
        *,
        fleet: str | Unset = UNSET,
        x_actor: str | Unset = UNSET,
        idempotency_key: str | Unset = UNSET,
    ) -> models.RunOut:
        """
        Plan a forecast. The run is queued; follow it at the address in the header Location.
        Scope: planner, of the fleet asked for.
        """
        return result(
            await _start_run.asyncio_detailed(
                client=self.client, body=body, fleet=fleet, x_actor=x_actor, idempotency_key=idempotency_key
            )
        )

    def stream_run_events(
        self, run_id: str, *, fleet: str | Unset = UNSET, last_event_id: int | Unset = UNSET
    ) -> AsyncIterator[RunEvent]:
        """
        Follow a run as it goes: its changes of state, and stage, incumbent, bound and gap as
        they become known. A listener that was cut off goes on after the event that it names in
        Last-Event-ID, as browsers do. Scope: reader, of the fleet asked for.
        """
        return async_run_events(
            self.http,
            lambda last: _stream_run_events._get_kwargs(run_id=run_id, fleet=fleet, last_event_id=last),
            lambda response: result(
                _stream_run_events._build_response(client=self.client, response=response)
            ),
            0 if isinstance(last_event_id, Unset) else last_event_id,
            self.tries_max,
        )

    async def get_schedule(
        self, *, fleet: str | Unset = UNSET, if_none_match: None | str | Unset = UNSET
    ) -> models.ScheduleOut:
        """The fleet's schedule and its next slot. Scope: reader, of the fleet asked for."""
        return result(
            await _get_schedule.asyncio_detailed(client=self.client, fleet=fleet, if_none_match=if_none_match)
        )

    async def list_slots(
        self,
        *,
        limit: int | Unset = UNSET,
        before: datetime.datetime | None | Unset = UNSET,
        fleet: str | Unset = UNSET,
    ) -> models.SlotPage:
        """Slots that were taken up, the newest first. Scope: reader, of the fleet asked for."""
        return result(
            await _list_slots.asyncio_detailed(client=self.client, limit=limit, before=before, fleet=fleet)
        )

    async def all_slots(
        self, *, limit: int | Unset = UNSET, fleet: str | Unset = UNSET
    ) -> AsyncIterator[models.SlotOut]:
        """Everything that ``list_slots`` gives page by page."""
        before: datetime.datetime | None | Unset = UNSET
        while True:
            page = await self.list_slots(limit=limit, fleet=fleet, before=before)
            for item in page.items:
                yield item
            if not page.next_before:
                return
            before = page.next_before

    async def put_schedule(
        self,
        body: models.ScheduleBody,
        *,
        fleet: str | Unset = UNSET,
        x_actor: str | Unset = UNSET,
        if_match: None | str | Unset = UNSET,
        if_none_match: None | str | Unset = UNSET,
    ) -> models.ScheduleOut:
        """
        Set when the fleet is planned again by itself; slots count from now on, unless times
        stay the same. Scope: planner, of the fleet asked for.
        """
        return result(
            await _put_schedule.asyncio_detailed(
                client=self.client,
                body=body,
                fleet=fleet,
                x_actor=x_actor,
                if_match=if_match,
                if_none_match=if_none_match,
            )
        )

    async def remove_schedule(
        self,
        *,
        fleet: str | Unset = UNSET,
        x_actor: str | Unset = UNSET,
        if_match: None | str | Unset = UNSET,
        if_none_match: None | str | Unset = UNSET,
    ) -> None:
        """
        The fleet is no longer planned by itself; slots taken up stay on record. Scope: planner,
        of the fleet asked for.
        """
        result(
            await _remove_schedule.asyncio_detailed(
                client=self.client,
                fleet=fleet,
                x_actor=x_actor,
                if_match=if_match,
                if_none_match=if_none_match,
            )
        )

    async def replan(
        self,
        *,
        fleet: str | Unset = UNSET,
        x_actor: str | Unset = UNSET,
        idempotency_key: str | Unset = UNSET,
    ) -> models.SlotOut:
        """
        Take up the schedule's latest due slot, for schedulers outside; a slot is taken up once,
        whoever asks. A slot within the next minute counts as due. Scope: planner, of the fleet
        asked for.
        """
        return result(
            await _replan.asyncio_detailed(
                client=self.client, fleet=fleet, x_actor=x_actor, idempotency_key=idempotency_key
            )
        )

    async def create_token(
        self, body: models.TokenBody, *, idempotency_key: str | Unset = UNSET
    ) -> models.IssuedTokenOut:
        """
        Make a token of at most your own scopes and fleets. The answer is the only place that
        shows it. Scope: admin, of any fleet.
        """
        return result(
            await _create_token.asyncio_detailed(
                client=self.client, body=body, idempotency_key=idempotency_key
            )
        )

    async def get_me(self) -> models.MeOut:
        """
        Who asks, and what that one may do. Scope: admin or approver or dispatcher or planner or
        reader, of any fleet.
        """
        return result(await _get_me.asyncio_detailed(client=self.client))

    async def get_token(self, token_id: str, *, if_none_match: None | str | Unset = UNSET) -> models.TokenOut:
        """
        One token of at most your own scopes and fleets, without its secret. Scope: admin, of
        any fleet.
        """
        return result(
            await _get_token.asyncio_detailed(
                client=self.client, token_id=token_id, if_none_match=if_none_match
            )
        )

    async def list_tokens(
        self, *, limit: int | Unset = UNSET, after: None | str | Unset = UNSET
    ) -> models.TokenPage:
        """
        Tokens of at most your own scopes and fleets, by id; those that were revoked too. Scope:
        admin, of any fleet.
        """
        return result(await _list_tokens.asyncio_detailed(client=self.client, limit=limit, after=after))

    async def all_tokens(self, *, limit: int | Unset = UNSET) -> AsyncIterator[models.TokenOut]:
        """Everything that ``list_tokens`` gives page by page."""
        after: None | str | Unset = UNSET
        while True:
            page = await self.list_tokens(limit=limit, after=after)
            for item in page.items:
                yield item
            if not page.next_after:
                return
            after = page.next_after

    async def revoke_token(
        self,
        token_id: str,
        *,
        if_match: None | str | Unset = UNSET,
        if_none_match: None | str | Unset = UNSET,
    ) -> models.TokenOut:
        """
        Revoke a token: from the next request on it is refused everywhere, and its sign-ins are
        over. Scope: admin, of any fleet.
        """
        return result(
            await _revoke_token.asyncio_detailed(
                client=self.client, token_id=token_id, if_match=if_match, if_none_match=if_none_match
            )
        )

    async def rotate_token(
        self,
        token_id: str,
        body: None | models.RotationBody | Unset = UNSET,
        *,
        if_match: None | str | Unset = UNSET,
        if_none_match: None | str | Unset = UNSET,
        idempotency_key: str | Unset = UNSET,
    ) -> models.IssuedTokenOut:
        """
        Give a token a new secret; the old one stays good for a time of grace, a day by default.
        Scope: admin, of any fleet.
        """
        return result(
            await _rotate_token.asyncio_detailed(
                client=self.client,
                token_id=token_id,
                body=body,
                if_match=if_match,
                if_none_match=if_none_match,
                idempotency_key=idempotency_key,
            )
        )

    async def create_webhook(
        self,
        body: models.WebhookBody,
        *,
        fleet: str | Unset = UNSET,
        x_actor: str | Unset = UNSET,
        idempotency_key: str | Unset = UNSET,
    ) -> models.NewWebhookOut:
        """
        Tell an address of events. The secret that signs deliveries is shown this once. Scope:
        admin, of the fleet asked for.
        """
        return result(
            await _create_webhook.asyncio_detailed(
                client=self.client, body=body, fleet=fleet, x_actor=x_actor, idempotency_key=idempotency_key
            )
        )

    async def get_webhook(
        self, webhook_id: str, *, fleet: str | Unset = UNSET, if_none_match: None | str | Unset = UNSET
    ) -> models.WebhookOut:
        """One webhook, and since when it fails, if it does. Scope: reader, of the fleet asked for."""
        return result(
            await _get_webhook.asyncio_detailed(
                client=self.client, webhook_id=webhook_id, fleet=fleet, if_none_match=if_none_match
            )
        )

    async def list_deliveries(
        self,
        webhook_id: str,
        *,
        limit: int | Unset = UNSET,
        before: int | None | Unset = UNSET,
        fleet: str | Unset = UNSET,
    ) -> models.DeliveryPage:
        """
        What was and is to be delivered, the newest first. Scope: reader, of the fleet asked
        for.
        """
        return result(
            await _list_deliveries.asyncio_detailed(
                client=self.client, webhook_id=webhook_id, limit=limit, before=before, fleet=fleet
            )
        )

    async def all_deliveries(
        self, webhook_id: str, *, limit: int | Unset = UNSET, fleet: str | Unset = UNSET
    ) -> AsyncIterator[models.DeliveryOut]:
        """Everything that ``list_deliveries`` gives page by page."""
        before: int | None | Unset = UNSET
        while True:
            page = await self.list_deliveries(webhook_id=webhook_id, limit=limit, fleet=fleet, before=before)
            for item in page.items:
                yield item
            if not page.next_before:
                return
            before = page.next_before

    async def list_webhooks(
        self, *, limit: int | Unset = UNSET, after: None | str | Unset = UNSET, fleet: str | Unset = UNSET
    ) -> models.WebhookPage:
        """The fleet's webhooks, by id. Scope: reader, of the fleet asked for."""
        return result(
            await _list_webhooks.asyncio_detailed(client=self.client, limit=limit, after=after, fleet=fleet)
        )

    async def all_webhooks(
        self, *, limit: int | Unset = UNSET, fleet: str | Unset = UNSET
    ) -> AsyncIterator[models.WebhookOut]:
        """Everything that ``list_webhooks`` gives page by page."""
        after: None | str | Unset = UNSET
        while True:
            page = await self.list_webhooks(limit=limit, fleet=fleet, after=after)
            for item in page.items:
                yield item
            if not page.next_after:
                return
            after = page.next_after

    async def remove_webhook(
        self,
        webhook_id: str,
        *,
        fleet: str | Unset = UNSET,
        x_actor: str | Unset = UNSET,
        if_match: None | str | Unset = UNSET,
        if_none_match: None | str | Unset = UNSET,
    ) -> None:
        """
        It is told nothing more; its deliveries go with it. Scope: admin, of the fleet asked
        for.
        """
        result(
            await _remove_webhook.asyncio_detailed(
                client=self.client,
                webhook_id=webhook_id,
                fleet=fleet,
                x_actor=x_actor,
                if_match=if_match,
                if_none_match=if_none_match,
            )
        )

    async def try_webhook(
        self,
        webhook_id: str,
        *,
        fleet: str | Unset = UNSET,
        x_actor: str | Unset = UNSET,
        idempotency_key: str | Unset = UNSET,
    ) -> models.DeliveryOut:
        """
        Have one delivery made, to see whether it arrives; look for it among the deliveries.
        Scope: admin, of the fleet asked for.
        """
        return result(
            await _try_webhook.asyncio_detailed(
                client=self.client,
                webhook_id=webhook_id,
                fleet=fleet,
                x_actor=x_actor,
                idempotency_key=idempotency_key,
            )
        )
