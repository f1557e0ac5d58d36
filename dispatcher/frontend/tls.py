"""
TLS at the doors: one certificate for HTTP and gRPC, renewed without a restart.

Certificate and key are looked at again as time goes by; renewed ones hold for connections that come after.
Files that do not go together, as while they are being replaced, leave what was there before.
"""

from __future__ import annotations

import contextlib
import ssl
from pathlib import Path
from typing import TypeAlias

import grpc
import structlog

from dispatcher.contract.tls_files import TlsFiles

_log = structlog.get_logger()

_Stamp: TypeAlias = tuple[tuple[int, int, int], ...]


class TlsInvalid(ValueError):
    """Files of TLS that cannot be read, or do not go together; the text says which."""


class ServerTls:
    """What the doors show their clients. Raises ``TlsInvalid``."""

    def __init__(self, files: TlsFiles) -> None:
        self._files = files
        self._for_http = self._for_grpc = _stamp(files)
        self._refused: _Stamp | None = None
        self._fault = ""
        self.context = _context(files)

    def refresh(self) -> None:
        """Have ``context`` show a renewed certificate to the HTTP clients that come."""
        stamp = self._renewed(self._for_http)
        if stamp is not None:
            with contextlib.suppress(TlsInvalid):  # replaced once more since: the next look tells
                _show(self._files, self.context)
                self._for_http = stamp
                _log.info("certificate_renewed", certificate=self._files.certificate)

    def grpc_credentials(self) -> grpc.ServerCredentials:
        """For a server of gRPC, which asks for news at each handshake."""
        require = self._files.client_ca is not None
        return grpc.dynamic_ssl_server_credentials(self._grpc_configuration(), self._grpc_news, require)

    def _grpc_news(self) -> grpc.ServerCertificateConfiguration | None:
        stamp = self._renewed(self._for_grpc)
        if stamp is None:
            return None
        self._for_grpc = stamp
        return self._grpc_configuration()

    def _grpc_configuration(self) -> grpc.ServerCertificateConfiguration:
        pair = (Path(self._files.key).read_bytes(), Path(self._files.certificate).read_bytes())
        issuers = None if self._files.client_ca is None else Path(self._files.client_ca).read_bytes()
        return grpc.ssl_server_certificate_configuration([pair], issuers)

    def _renewed(self, before: _Stamp) -> _Stamp | None:
        """The files' stamp, where it is another than before and they go together."""
        stamp: _Stamp | None = None
        try:
            stamp = _stamp(self._files)
            if stamp in (before, self._refused):
                return None
            _context(self._files)
        except TlsInvalid as error:
            self._refused = stamp
            if str(error) != self._fault:
                self._fault = str(error)
                _log.warning("certificate_not_renewed", error=self._fault)
            return None
        return stamp


def _stamp(files: TlsFiles) -> _Stamp:
    found = []
    for path in (files.certificate, files.key):
        try:
            status = Path(path).stat()
        except OSError as error:
            raise TlsInvalid(f"TLS: {error}") from error
        found.append((status.st_mtime_ns, status.st_size, status.st_ino))
    return tuple(found)


def _show(files: TlsFiles, context: ssl.SSLContext) -> None:
    """Have ``context`` show the certificate. Raises ``TlsInvalid``."""
    try:
        context.load_cert_chain(files.certificate, files.key, password=lambda: "")  # never asks at a terminal
    except OSError as error:
        raise TlsInvalid(f"TLS: certificate {files.certificate} with key {files.key}: {error}") from error


def _context(files: TlsFiles) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    with contextlib.suppress(NotImplementedError):
        context.set_alpn_protocols(["http/1.1"])
    _show(files, context)
    if files.client_ca is not None:
        try:
            context.load_verify_locations(files.client_ca)
        except OSError as error:
            raise TlsInvalid(f"TLS: client CA {files.client_ca}: {error}") from error
        context.verify_mode = ssl.CERT_REQUIRED
    return context
