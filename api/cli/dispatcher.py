"""``fermata dispatcher``: run one sub-cluster of a plan."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.output import ExitCode, fail, read_text, say_alive

if TYPE_CHECKING:
    from dispatcher.contract.tls_files import TlsFiles
    from dispatcher.runtime.dispatcher_daemon import Announcement


NativePort = Annotated[
    int | None,
    typer.Option(min=0, max=65535, help="Open the native batch door too; 0 takes any free port."),
]
TraceEndpoint = Annotated[
    str | None,
    typer.Option(help="Send sampled traces there, OTLP over HTTP; needs the extra `tracing`."),
]
TraceShare = Annotated[float, typer.Option(min=0.0, max=1.0, help="Share of batches that are traced.")]
ReadyFile = Annotated[
    Path | None,
    typer.Option(help="Written once all addresses are bound: http_url, grpc_address, worker_endpoint, pid."),
]
EventLog = Annotated[
    Path | None, typer.Option(help="Record what the scheduler is told and answers, to replay it.")
]
TlsCertificate = Annotated[
    Path | None,
    typer.Option(help="HTTP and gRPC over TLS: the certificate, and those that lead to its issuer (PEM)."),
]
TlsKey = Annotated[Path | None, typer.Option(help="The certificate's key (PEM, without a passphrase).")]
TlsClientCa = Annotated[
    Path | None, typer.Option(help="Serve only clients with a certificate of one of these issuers (PEM).")
]


def dispatcher(
    spec: Annotated[Path, typer.Option(help="The sub-cluster to run: a JSON file.")],
    host: Annotated[str, typer.Option(help="Address of the doors.")] = "127.0.0.1",
    http_port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free port.")] = 0,
    grpc_port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free port.")] = 0,
    worker_endpoint: Annotated[
        str, typer.Option(help="ZeroMQ address for workers; port 0 takes any free port.")
    ] = "tcp://127.0.0.1:0",
    ready_file: ReadyFile = None,
    event_log: EventLog = None,
    heartbeats: Annotated[
        bool, typer.Option("--heartbeats", help="Print a line each second, for whoever watches the process.")
    ] = False,
    native_port: NativePort = None,
    trace_endpoint: TraceEndpoint = None,
    trace_share: TraceShare = 0.01,
    tls_certificate: TlsCertificate = None,
    tls_key: TlsKey = None,
    tls_client_ca: TlsClientCa = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Log lines in JSON also at a terminal; stdout is JSON either way.")
    ] = False,
) -> None:
    """
    Run one sub-cluster: the inference doors, the scheduler, and the socket of its workers.

    Prints one JSON line with its addresses, then serves until SIGTERM or SIGINT: it stops
    accepting, answers what it has accepted, sends a last load report and ends. On SIGHUP it
    reads its specification again and changes over to it without a request noticing.

    Example: fermata dispatcher --spec sub-cluster.json --http-port 8080 --worker-endpoint tcp://127.0.0.1:7000
    """
    from dispatcher.contract.sub_cluster_file import decode_sub_cluster
    from dispatcher.runtime.dispatcher_daemon import DaemonFailed, DispatcherOptions, run_dispatcher
    from dispatcher.runtime.log import configure_logs

    parsed = decode_sub_cluster(read_text(spec))
    configure_logs(as_json=as_json, daemon="dispatcher", sub_cluster=parsed.id)
    native_endpoint = None if native_port is None else native_address(host, native_port)
    tls = _tls(tls_certificate, tls_key, tls_client_ca)
    options = DispatcherOptions(
        host,
        http_port,
        worker_endpoint,
        ready_file,
        event_log,
        grpc_port=grpc_port,
        native_endpoint=native_endpoint,
        trace_endpoint=trace_endpoint,
        trace_share=trace_share,
        say_alive=say_alive if heartbeats else None,
        tls=tls,
    )
    try:
        run_dispatcher(parsed, options, _announce, lambda: decode_sub_cluster(spec.read_bytes()))
    except DaemonFailed as error:
        fail(str(error))


def _tls(certificate: Path | None, key: Path | None, client_ca: Path | None) -> TlsFiles | None:
    from dispatcher.contract.tls_files import TlsFiles

    if certificate is None and key is None and client_ca is None:
        return None
    if certificate is None or key is None:
        missing = "--tls-certificate" if certificate is None else "--tls-key"
        fail(f"{missing}: must be given with the other options of TLS", code=ExitCode.BAD_INPUT)
    return TlsFiles(str(certificate), str(key), None if client_ca is None else str(client_ca))


def native_address(host: str, port: int) -> str:
    """ZeroMQ's way to write an address; a port of 0 is any."""
    bracketed = f"[{host}]" if ":" in host else host
    return f"tcp://{bracketed}:{port}"


def _announce(announcement: Announcement) -> None:
    import msgspec

    sys.stdout.write(msgspec.json.encode(announcement).decode() + "\n")
    sys.stdout.flush()
