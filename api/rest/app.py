"""The application: routes, errors, middleware, documentation."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from importlib import metadata
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.concurrency import run_in_threadpool
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel

from api.access.document import describe_access
from api.access.gate import AccessGate, lines
from api.access.identify import Authenticator
from api.access.oidc import Issuer, People
from api.access.oidc_sign_in import OidcSignIn
from api.console import page, sign_in
from api.rest import problems
from api.rest.answering import answer_where_found
from api.rest.body_limit import BodyLimitMiddleware
from api.rest.idempotency import IdempotencyMiddleware, document_keys, principal_of
from api.rest.middleware import RequestIdMiddleware, TimeLimitMiddleware
from api.rest.origin import OriginMiddleware
from api.rest.parameters import only_known_parameters
from api.rest.routes import (
    accuracy,
    audit,
    demand,
    fleets,
    health,
    nodes,
    observed,
    plan_decisions,
    plan_questions,
    plans,
    profile_drift,
    profiles,
    registry,
    replays,
    rollouts,
    runs,
    schedules,
    tokens,
    webhooks,
)
from api.rest.run_stream import RunStream
from api.rest.schemas.runs import RunEventOut
from api.settings import Settings
from planner.service.chores import Chores
from planner.service.nightly import chores_of
from planner.service.observed_chores import ObservedChores
from planner.service.rollouts.conducting import conducting
from planner.service.run_worker import RunWorker
from planner.store.store import Store

DESCRIPTION = """
Submit what models cost and what load is expected, plan, look at the evidence, approve, activate; take in what
dispatchers observed and plan again. Every error is a problem detail (RFC 9457), status 422 lists every fault
of the input, and a request is stored whole or not at all. Units are part of the fields' names.
"""

ROUTES = (
    fleets,
    registry,
    profiles,
    profile_drift,
    demand,
    accuracy,
    observed,
    runs,
    plans,
    plan_decisions,
    plan_questions,
    rollouts,
    schedules,
    webhooks,
    nodes,
    audit,
    replays,
    tokens,
)


def create_app(settings: Settings, store: Store | None = None) -> FastAPI:
    """
    The application on ``store``, or on the database that ``settings`` name.

    Runs are executed while the application is up, if ``settings.run_worker`` says so.
    """
    own_store = store or Store(settings.database_url)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        worker = None
        if settings.run_worker:
            worker = RunWorker(own_store, lease_s=settings.run_lease_s, stopping=app.state.stopping)
        chores = Chores(chores_of(own_store, settings.webhook_addresses) if settings.scheduler else [])
        observed_chores = _observed_chores(own_store, settings)
        rollout = Chores(conducting(own_store, app.state.stopping))  # nodes wait for it, whoever schedules
        started = [one for one in (worker, observed_chores, rollout, chores) if one]
        for one in started:
            one.start()
        yield
        await app.state.run_stream.close()
        for one in started:
            await run_in_threadpool(one.stop)
        if store is None:
            own_store.close()

    app = FastAPI(
        title="Fermata",
        version=_version(),
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
        openapi_url="/v1/openapi.json",
        generate_unique_id_function=_operation_id,
    )
    app.state.store = own_store
    app.state.settings = settings
    app.state.run_stream = RunStream(own_store)
    app.state.stopping = threading.Event()  # once set, whoever waits is answered, and a run is given back
    for routes in ROUTES:
        answer_where_found(routes.router)
        app.include_router(routes.router, prefix="/v1", dependencies=[Depends(only_known_parameters)])
    app.include_router(health.router)
    page.install(app)
    problems.install(app)
    _guard(app, settings, own_store)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


def _guard(app: FastAPI, settings: Settings, store: Store) -> None:
    """The last that is added is the first that sees a request."""
    issuer = Issuer(settings.oidc_issuer) if settings.oidc_issuer else None
    people = People(settings, issuer) if issuer else None
    app.state.oidc_sign_in = OidcSignIn(settings, issuer, people) if issuer and people else None
    authenticator = Authenticator(store, settings, people)
    app.add_middleware(
        IdempotencyMiddleware,
        store=store,
        principal_of=principal_of,
        keep_s=settings.idempotency_keep_s,
    )
    app.add_middleware(
        BodyLimitMiddleware,
        bytes_max=settings.request_bytes_max,
        silence_s_max=settings.body_silence_s_max,
        bytes_max_together=settings.bodies_bytes_max,
    )
    app.add_middleware(TimeLimitMiddleware, seconds=settings.request_s_max)
    app.add_middleware(
        AccessGate,
        lines=lines(_routes(), mounts=["/console/static"]),
        authenticator=authenticator,
        settings=settings,
    )
    app.add_middleware(OriginMiddleware)
    app.add_middleware(RequestIdMiddleware)


def _routes() -> list[tuple[str, str]]:
    """Method and template of every route, in the order in which the application looks at them."""
    found = [("GET", "/v1/openapi.json")]
    routers = [("/v1", routes.router) for routes in ROUTES]
    routers += [("", health.router), ("", page.router), ("", sign_in.router)]
    for prefix, router in routers:
        for route in router.routes:
            if not isinstance(route, APIRoute):
                raise TypeError(f"{route!r} has no line in api/access/table.py and cannot have one")
            found += [(method, prefix + route.path) for method in sorted(route.methods or ())]
    return found


def _observed_chores(store: Store, settings: Settings) -> ObservedChores | None:
    if not settings.observed_roll_up:
        return None
    return ObservedChores(store, settings.retention, roll_up_every_s=settings.observed_roll_up_every_s)


def _version() -> str:
    try:
        return metadata.version("fermata-serving")
    except metadata.PackageNotFoundError:  # run from a source tree
        return "0"


def _operation_id(route: APIRoute) -> str:
    return route.name


def _openapi(app: FastAPI) -> dict[str, Any]:
    """FastAPI's document with the schemas of what no route returns: problems, and events of a stream."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        for model in (problems.Problem, RunEventOut):
            schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas |= schema.pop("$defs", {}) | {model.__name__: schema}
        _restore_examples(schemas)
        described = _with_titles_as_names(_without_unused(document))
        document_keys(described)
        describe_access(described)
        app.openapi_schema = described
    return app.openapi_schema


def _restore_examples(schemas: dict[str, Any]) -> None:
    """FastAPI leaves out every null of its document, also those that an example must have."""
    models = {model.__name__: model for model in _models(BaseModel) if model.__module__.startswith("api.")}
    for name, schema in schemas.items():
        if "examples" in schema:
            extra: Any = models[name].model_config["json_schema_extra"]
            schema["examples"] = json.loads(json.dumps(extra["examples"]))


def _models(base: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for model in base.__subclasses__():
        yield model
        yield from _models(model)


def _without_unused(document: dict[str, Any]) -> dict[str, Any]:
    """FastAPI describes also what bodies are read into; only what an operation leads to is of interest."""
    schemas = document["components"]["schemas"]
    used: set[str] = set()
    waiting = [document["paths"]]
    while waiting:
        names = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(waiting.pop()))) - used
        used |= names
        waiting += [schemas[name] for name in names]
    document["components"]["schemas"] = {name: schemas[name] for name in sorted(used)}
    return document


def _with_titles_as_names(document: dict[str, Any]) -> dict[str, Any]:
    """``Page[PlanOut]`` is described as ``PlanPage``, its title, and not as ``Page_PlanOut_``."""
    text = json.dumps(document)
    for name, schema in document["components"]["schemas"].items():
        if name.endswith("_"):
            text = text.replace(f'"#/components/schemas/{name}"', f'"#/components/schemas/{schema["title"]}"')
            text = text.replace(f'"{name}": {{', f'"{schema["title"]}": {{')
    renamed: dict[str, Any] = json.loads(text)
    return renamed
