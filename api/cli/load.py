"""``fermata load``: open-loop load on a dispatcher, or on another server of the same protocol."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.output import ExitCode, emit, fail, read_text, talk

if TYPE_CHECKING:
    import ssl

    import grpc

    from dispatcher.frontend.load_result import LoadResult
    from dispatcher.frontend.load_target import Target
    from dispatcher.frontend.load_transport import Transport

SLO_MS_DEFAULT = 100.0
REQUESTS_MAX = 5_000_000


class Protocol(StrEnum):
    """How requests travel."""

    HTTP = "http"
    GRPC = "grpc"
    NATIVE = "native"


class ArrivalsKind(StrEnum):
    """How the times between requests are drawn."""

    POISSON = "poisson"
    GAMMA = "gamma"
    CONSTANT = "constant"
    TRACE = "trace"


WarmUpS = Annotated[
    float, typer.Option(min=0.0, help="Requests of the first seconds are sent and not counted.")
]
Arrivals = Annotated[ArrivalsKind, typer.Option(help="How the times between requests are drawn.")]
SloMs = Annotated[
    float | None,
    typer.Option(min=0.001, help="Later answers are bad; the server's own SLO if left out, else 100."),
]
TimeoutMs = Annotated[float | None, typer.Option(min=0.001, help="Sent with each request: its own deadline.")]
BadRateMax = Annotated[
    float | None, typer.Option(min=0.0, max=1.0, help="More than this ends with exit status 1.")
]
Trace = Annotated[
    Path | None, typer.Option(help="For trace: seconds, one a line, or CSV with a column arrival_s.")
]
TlsCa = Annotated[
    Path | None,
    typer.Option(help="Trust these issuers (PEM) for https and grpcs addresses, not those of this machine."),
]


def load(
    address: Annotated[
        str,
        typer.Argument(help="http(s)://HOST:PORT, [grpcs://]HOST:PORT for gRPC, tcp://HOST:PORT for native."),
    ],
    model: Annotated[
        list[str], typer.Option(help="A model to ask, repeatable; NAME=RATE gives it a rate of its own.")
    ],
    protocol: Annotated[Protocol, typer.Option(help="How requests travel.")] = Protocol.HTTP,
    rate_rps: Annotated[
        float, typer.Option(min=0.001, help="Requests per second, for all models without one of their own.")
    ] = 100.0,
    seconds: Annotated[float, typer.Option(min=0.1, help="For how long requests are sent.")] = 10.0,
    warm_up_s: WarmUpS = 0.0,
    arrivals: Arrivals = ArrivalsKind.POISSON,
    cv: Annotated[float, typer.Option(min=0.05, max=30.0, help="Coefficient of variation, for gamma.")] = 2.0,
    trace: Trace = None,
    slo_ms: SloMs = None,
    timeout_ms: TimeoutMs = None,
    tenant: Annotated[str | None, typer.Option(help="Sent with each request: who asks.")] = None,
    binary: Annotated[bool, typer.Option("--binary", help="Over HTTP, tensors as raw bytes.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Draws arrivals and inputs.")] = 1,
    bad_rate_max: BadRateMax = None,
    tls_ca: TlsCa = None,
    as_json: Annotated[bool, typer.Option("--json", help="The whole result as JSON.")] = False,
) -> None:
    """
    Send requests at their times, whatever became of those before, and say what became of them.

    Latency counts from the instant at which a request was due to leave, so that a slow server is
    never spared; what the client itself was late is told beside it.

    Example: fermata load http://127.0.0.1:8000 --model ResNet50 --rate-rps 200 --arrivals gamma --cv 2
    """
    from api.load.arrivals import arrivals_of, parse_rates
    from dispatcher.frontend.load_target import TargetUnsuitable
    from dispatcher.simulation.trace import TraceInvalid

    try:
        rates_rps = parse_rates(model, rate_rps)
        due = arrivals_of(
            rates_rps, kind=arrivals.value, cv=cv, seconds=seconds, trace=trace, seed=seed, most=REQUESTS_MAX
        )
    except (ValueError, TraceInvalid) as error:
        fail(str(error), code=ExitCode.BAD_INPUT)
    parameters: dict[str, Any] = {} if tenant is None else {"tenant": tenant}
    if timeout_ms is not None:
        parameters["timeout"] = max(1, round(timeout_ms * 1e3))
    try:
        issuers = None if tls_ca is None else read_text(tls_ca)
        targets = _targets(protocol, address, list(rates_rps), issuers)
    except TargetUnsuitable as error:
        fail(str(error), hint="`fermata up examples/up.yaml` brings something up to send to")
    slos_ms = {target.id: slo_ms or target.slo_ms or SLO_MS_DEFAULT for target in targets}
    transport = _transport(protocol, address, targets, parameters, seed, binary=binary, issuers=issuers)
    result = _drive(transport, due, slos_ms, warm_up_s)
    what = f"{arrivals.value} arrivals over {protocol.value} for {seconds:g} s"
    _say(result, what, as_json=as_json, protocol=protocol)
    if bad_rate_max is not None and result.bad_rate > bad_rate_max:
        fail(f"bad rate {result.bad_rate:.3%} is more than the {bad_rate_max:.3%} allowed")


def _targets(protocol: Protocol, address: str, models: list[str], issuers: str | None) -> list[Target]:
    if protocol is Protocol.HTTP:
        from dispatcher.frontend.load_open_inference import http_targets

        return http_targets(address, models, _trust(address, issuers))
    if protocol is Protocol.GRPC:
        from dispatcher.frontend.load_grpc import grpc_targets

        return grpc_targets(_bare(address), models, _credentials(address, issuers))
    from dispatcher.frontend.load_native import native_targets

    return asyncio.run(native_targets(address, models))


def _transport(
    protocol: Protocol,
    address: str,
    targets: list[Target],
    parameters: dict[str, Any],
    seed: int,
    *,
    binary: bool,
    issuers: str | None,
) -> Transport:
    import numpy as np

    random = np.random.default_rng(seed)
    if protocol is Protocol.HTTP:
        from dispatcher.frontend.load_http import HttpTransport
        from dispatcher.frontend.load_open_inference import http_payload

        payloads = {each.id: http_payload(each, parameters, random, binary=binary) for each in targets}
        return HttpTransport(address, payloads, _trust(address, issuers))
    if protocol is Protocol.GRPC:
        from dispatcher.frontend.load_grpc import GrpcTransport, grpc_request

        requests = {target.id: grpc_request(target, parameters, random) for target in targets}
        return GrpcTransport(_bare(address), requests, _credentials(address, issuers))
    from dispatcher.frontend.load_native import NativeTransport

    return NativeTransport(
        address,
        targets,
        random,
        timeout_us=parameters.get("timeout", 0),
        tenant=parameters.get("tenant"),
    )


def _bare(address: str) -> str:
    return address.removeprefix("grpcs://").removeprefix("grpc://")


def _trust(address: str, issuers: str | None) -> ssl.SSLContext | None:
    """For an https address."""
    import ssl

    try:
        return ssl.create_default_context(cadata=issuers) if address.startswith("https://") else None
    except ssl.SSLError as error:
        fail(f"--tls-ca: must hold certificates in PEM: {error}", code=ExitCode.BAD_INPUT)


def _credentials(address: str, issuers: str | None) -> grpc.ChannelCredentials | None:
    """For a grpcs address."""
    import grpc

    if not address.startswith("grpcs://"):
        return None
    return grpc.ssl_channel_credentials(None if issuers is None else issuers.encode())


def _drive(
    transport: Transport, due: list[tuple[float, str]], slos_ms: dict[str, float], warm_up_s: float
) -> LoadResult:
    import uvloop
    from rich.progress import Progress

    from dispatcher.frontend.load_client import drive_over

    with (
        Progress(console=talk, transient=True) as bar,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        task = bar.add_task(f"{len(due):,} requests", total=len(due))
        return runner.run(
            drive_over(
                transport,
                due,
                slos_ms,
                progress=lambda sent, _total: bar.update(task, completed=sent),
                warm_up_s=warm_up_s,
            )
        )


def _say(result: LoadResult, what: str, *, as_json: bool, protocol: Protocol) -> None:
    from api.load.report import show

    emit({"protocol": protocol.value, **result.to_json()}, as_json=as_json, human=lambda: show(result, what))
    if not result.client_kept_up:
        talk.print(
            f"warning: the client could not keep up: it sent {result.send_lag_ms:.1f} ms late (p99)"
            f", {result.held_back:,} requests waited for a connection; these figures are of the client as "
            "much as of the server",
            style="yellow",
            soft_wrap=True,
        )
