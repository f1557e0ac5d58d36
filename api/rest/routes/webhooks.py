"""Webhooks: who is told when a scheduled plan waits, goes live, or fails."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Request, Response
from pydantic import PlainValidator

from api.rest.bodies import just_one
from api.rest.dependencies import (
    ANONYMOUS,
    PAGE_SIZE,
    Actor,
    After,
    Before,
    Limit,
    SettingsDep,
    StoreDep,
    problems,
)
from api.rest.etags import CONDITIONAL, NOT_MODIFIED, Wished, fresh, record_etag
from api.rest.paging import named_page, page
from api.rest.schemas.common import NamedPage, Page
from api.rest.schemas.webhooks import DeliveryOut, NewWebhookOut, WebhookBody, WebhookOut
from planner.service.submission import Submission
from planner.service.webhooks import subscriptions

router = APIRouter(tags=["webhooks"])

NewWebhook = Annotated[
    Submission[tuple[str, list[str]]],
    PlainValidator(just_one(WebhookBody), json_schema_input_type=WebhookBody),
    Body(),
]
WebhookId = Annotated[str, Path(max_length=32)]


@router.post("/webhooks", status_code=201, responses=problems(409, 413))
def create_webhook(
    store: StoreDep, settings: SettingsDep, body: NewWebhook, response: Response, actor: Actor = ANONYMOUS
) -> NewWebhookOut:
    """Tell an address of events. The secret that signs deliveries is shown this once."""
    ((url, events),) = body.accepted({})
    made = subscriptions.subscribe(store, url, events, allowed=settings.webhook_addresses, actor=actor)
    response.headers["Cache-Control"] = "no-store"
    return NewWebhookOut.model_validate(made)


@router.get("/webhooks", responses=problems())
def list_webhooks(store: StoreDep, limit: Limit = PAGE_SIZE, after: After = None) -> NamedPage[WebhookOut]:
    """The fleet's webhooks, by id."""
    found = sorted(subscriptions.webhooks(store), key=lambda each: each.id)
    shown = [each for each in found if each.id > (after or "")]
    return named_page(NamedPage[WebhookOut], shown, limit, lambda each: each.id)


@router.get(
    "/webhooks/{webhook_id}",
    response_model=WebhookOut,
    responses=NOT_MODIFIED | problems(404),
    dependencies=[CONDITIONAL],
)
def get_webhook(store: StoreDep, webhook_id: WebhookId, request: Request, response: Response) -> Any:
    """One webhook, and since when it fails, if it does."""
    found = subscriptions.without_secret(subscriptions.webhook(store, webhook_id))
    return fresh(request, response, record_etag(found)) or found


@router.delete("/webhooks/{webhook_id}", status_code=204, responses=problems(404, 412), response_model=None)
def remove_webhook(store: StoreDep, webhook_id: WebhookId, given: Wished, actor: Actor = ANONYMOUS) -> None:
    """It is told nothing more; its deliveries go with it."""
    subscriptions.unsubscribe(store, webhook_id, actor=actor, given=given)


@router.get("/webhooks/{webhook_id}/deliveries", responses=problems(404))
def list_deliveries(
    store: StoreDep, webhook_id: WebhookId, limit: Limit = PAGE_SIZE, before: Before = None
) -> Page[DeliveryOut]:
    """What was and is to be delivered, the newest first."""
    found = subscriptions.deliveries(store, webhook_id, limit=limit + 1, before=before)
    return page(Page[DeliveryOut], found, limit, lambda each: each.number)


@router.post("/webhooks/{webhook_id}/test", status_code=202, responses=problems(404))
def try_webhook(store: StoreDep, webhook_id: WebhookId, actor: Actor = ANONYMOUS) -> DeliveryOut:
    """Have one delivery made, to see whether it arrives; look for it among the deliveries."""
    return DeliveryOut.model_validate(subscriptions.send_test(store, webhook_id, actor=actor))
