"""
Which addresses a webhook may name: those that the operator allows, and none that a name leads to by stealth.

A host must be on the operator's list. Addresses that it resolves to are looked at for every attempt, and the
connection goes to the very address that was looked at: a name that changes its mind in between gains nothing.
Private networks are the operator's to allow, by naming their hosts; loopback needs a setting of its own;
link-local (where clouds keep their credentials), multicast and unspecified addresses are never asked.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import SplitResult, urlsplit

from profiles.faults import Fault

URL_LENGTH_MAX = 2_000
PORTS = {"http": 80, "https": 443}


class AddressRefused(Exception):
    """The address may not be asked, or the name leads nowhere; the message says why."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a delivery goes: ``address`` is what the connection is made to, ``host`` what it is called."""

    scheme: str
    host: str
    port: int
    address: str
    path: str

    @property
    def host_header(self) -> str:
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == PORTS[self.scheme] else f"{name}:{self.port}"


@dataclass(frozen=True, slots=True)
class AllowedAddresses:
    """
    The operator's rule.

    Parameters
    ----------
    hosts
        Names as in ``hooks.example.com``; ``*.example.com`` allows every name below; none: no webhooks.
    loopback
        Whether this machine's own loopback may be asked; it need not be among the hosts.
    """

    hosts: tuple[str, ...] = ()
    loopback: bool = False

    def faults(self, url: str) -> list[Fault]:
        """What is wrong with a URL, before any name is looked up."""
        if len(url) > URL_LENGTH_MAX:
            return [Fault("url", f"{len(url)} characters", f"must have at most {URL_LENGTH_MAX}")]
        parts = _split(url)
        if parts is None or not url.isascii() or any(ord(c) <= ord(" ") for c in url):
            return [Fault("url", repr(url), "must be http://HOST or https://HOST, with a port or a path")]
        if parts.username is not None or parts.fragment:
            return [Fault("url", repr(url), "must have no user and no fragment")]
        if not self._names(parts.hostname or ""):
            hint = "must name a host of FERMATA_WEBHOOK_HOSTS"
            return [Fault("url", repr(url), hint + (f" ({', '.join(self.hosts)})" if self.hosts else ""))]
        return []

    def target(self, url: str) -> Target:
        """Where to connect to. Raises ``AddressRefused``."""
        faults = self.faults(url)
        parts = _split(url)
        if faults or parts is None:
            raise AddressRefused(faults[0].limit)
        host = parts.hostname or ""
        port = parts.port or PORTS[parts.scheme]
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        for address in _resolved(host, port):
            self._require(host, address)
            return Target(parts.scheme, host, port, str(address), path)
        raise AddressRefused(f"{host} leads nowhere")

    def _names(self, host: str) -> bool:
        if self.loopback and (host == "localhost" or _is_loopback(host)):
            return True
        return any(
            host == allowed or (allowed.startswith("*.") and host.endswith(allowed[1:]))
            for allowed in (name.lower() for name in self.hosts)
        )

    def _require(self, host: str, address: IPv4Address | IPv6Address) -> None:
        mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
        real = mapped or address
        if real.is_loopback:
            if not self.loopback:
                raise AddressRefused(
                    f"{host} leads to loopback, which FERMATA_WEBHOOK_LOOPBACK does not allow"
                )
        elif real.is_link_local or real.is_multicast or real.is_unspecified or real.is_reserved:
            raise AddressRefused(f"{host} leads to {real}, which is never asked")


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts if parts.scheme in PORTS and parts.hostname else None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _resolved(host: str, port: int) -> list[IPv4Address | IPv6Address]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise AddressRefused(f"{host} leads nowhere: {error}") from error
    return [ip_address(str(entry[4][0]).split("%")[0]) for entry in found]
