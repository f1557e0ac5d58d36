"""The doors over TLS, on real sockets and by tritonclient."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import grpc
import httpx
import msgspec
import numpy as np
import pytest
import tritonclient.grpc
import tritonclient.http

from dispatcher.contract.tls_files import TlsFiles
from dispatcher.frontend.tls import ServerTls, TlsInvalid
from tests.certificates import Authority, Pair
from tests.unit.dispatcher.frontend.open_doors import OpenDoors, open_doors, until
from tests.unit.dispatcher.frontend.twice import TWICE, Twice


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "authority")


def files(pair: Pair, client_ca: Path | None = None) -> TlsFiles:
    return TlsFiles(str(pair.certificate), str(pair.key), str(client_ca) if client_ca else None)


def tensors(module: Any) -> list[Any]:
    x, n = module.InferInput("x", [1, 2], "FP32"), module.InferInput("n", [1], "INT64")
    x.set_data_from_numpy(np.array([[1.5, -2]], dtype=np.float32))
    n.set_data_from_numpy(np.array([7], dtype=np.int64))
    return [x, n]


def http_client(doors: OpenDoors, ca: Path) -> Any:
    return tritonclient.http.InferenceServerClient(
        urlsplit(doors.http_url).netloc,
        ssl=True,
        ssl_context_factory=lambda **_: ssl.create_default_context(cafile=str(ca)),
    )


def test_tritonclient_over_tls(authority: Authority) -> None:
    service = Twice()
    service.models = (msgspec.structs.replace(TWICE, id="twice"),)  # tritonclient leaves slashes as they are
    with open_doors(service, ServerTls(files(authority.sign("server")))) as doors:
        assert doors.http_url.startswith("https://127.0.0.1:")
        over_http = http_client(doors, authority.ca)
        over_grpc = tritonclient.grpc.InferenceServerClient(
            doors.grpc_address, ssl=True, root_certificates=str(authority.ca)
        )
        for client, module in ((over_http, tritonclient.http), (over_grpc, tritonclient.grpc)):
            answer = client.infer("twice", tensors(module))
            assert answer.as_numpy("y").tolist() == [[3.0, -4.0]]
            client.close()


def test_who_does_not_trust_the_issuer_or_speaks_without_tls_is_let_go(
    authority: Authority, tmp_path: Path
) -> None:
    other = Authority(tmp_path, "other")
    with open_doors(tls=ServerTls(files(authority.sign("server")))) as doors:
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            ask(doors, ssl.create_default_context(cafile=str(other.ca)))
        address = urlsplit(doors.http_url)
        assert address.port is not None
        with socket.create_connection(("127.0.0.1", address.port), 30) as plain:
            plain.sendall(b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"200" not in plain.recv(1_000)
        assert ask(doors, ssl.create_default_context(cafile=str(authority.ca))).status_code == 200


def ask(doors: OpenDoors, trust: ssl.SSLContext) -> httpx.Response:
    return httpx.get(f"{doors.http_url}/v2/health/live", verify=trust, timeout=60)


def test_only_clients_with_a_certificate_of_the_issuers_named_are_served(
    authority: Authority, tmp_path: Path
) -> None:
    customers, strangers = Authority(tmp_path, "customers"), Authority(tmp_path, "strangers")
    known, unknown = customers.sign("known"), strangers.sign("unknown")
    with open_doors(tls=ServerTls(files(authority.sign("server"), customers.ca))) as doors:
        for pair, served in ((known, True), (unknown, False), (None, False)):
            trust = ssl.create_default_context(cafile=str(authority.ca))
            if pair is not None:
                trust.load_cert_chain(pair.certificate, pair.key)
            assert answers(lambda trust=trust: ask(doors, trust).status_code == 200) == served  # type: ignore[misc]
            assert answers(lambda pair=pair: live(doors, authority.ca, pair)) == served  # type: ignore[misc]


def answers(asking: Callable[[], bool]) -> bool:
    try:
        return asking()
    except (httpx.TransportError, grpc.RpcError):
        return False


def live(doors: OpenDoors, ca: Path, pair: Pair | None = None) -> bool:
    shown = (pair.key.read_bytes(), pair.certificate.read_bytes()) if pair else (None, None)
    credentials = grpc.ssl_channel_credentials(ca.read_bytes(), *shown)
    with grpc.secure_channel(doors.grpc_address, credentials) as channel:
        call = channel.unary_unary("/inference.GRPCInferenceService/ServerLive")
        return bool(call(b"", timeout=30))


def subject(doors: OpenDoors, ca: Path) -> str:
    """Of the certificate that the HTTP door shows."""
    address = urlsplit(doors.http_url)
    with (
        socket.create_connection(("127.0.0.1", address.port or 0), 30) as plain,
        ssl.create_default_context(cafile=str(ca)).wrap_socket(plain, server_hostname="127.0.0.1") as secure,
    ):
        found: Any = secure.getpeercert()
    return str(found["serialNumber"])


def test_a_renewed_certificate_is_shown_without_a_restart(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dispatcher.frontend.http_server.SWEEP_INTERVAL_S", 0.01)
    pair = authority.sign("server")
    with open_doors(tls=ServerTls(files(pair))) as doors:
        first = subject(doors, authority.ca)
        assert live(doors, authority.ca)
        good = pair.key.read_bytes()
        pair.key.write_bytes(b"in between, half written")
        assert subject(doors, authority.ca) == first
        assert live(doors, authority.ca)
        pair.key.write_bytes(good)
        later = Authority(tmp_path, "later")  # of an issuer that knows nothing of the one before
        later.sign("server")
        until(lambda: shows(doors, later.ca), "the renewed certificate over HTTP")
        assert subject(doors, later.ca) != first
        assert live(doors, later.ca)


def shows(doors: OpenDoors, ca: Path) -> bool:
    try:
        return bool(subject(doors, ca))
    except ssl.SSLError:
        return False


def test_files_that_cannot_be_used_say_why(authority: Authority, tmp_path: Path) -> None:
    one, two = authority.sign("one"), authority.sign("two")
    for wrong, words in (
        (TlsFiles("/nowhere.crt", str(one.key)), "No such file or directory: '/nowhere.crt'"),
        (TlsFiles(str(one.certificate), str(two.key)), "one.crt with key .*two.key"),
        (TlsFiles(str(one.key), str(one.key)), "TLS: certificate"),
        (TlsFiles(str(one.certificate), str(one.key), str(one.key)), "TLS: client CA"),
    ):
        with pytest.raises(TlsInvalid, match=words):
            ServerTls(wrong)
