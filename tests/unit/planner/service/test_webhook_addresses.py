"""Where webhooks may go: what the operator names, and no way around it."""

from __future__ import annotations

import pytest

from planner.service.webhooks.addresses import AddressRefused, AllowedAddresses

OPEN = AllowedAddresses(("hooks.example.com", "*.internal.example.com", "10.1.2.3"))
LOOPBACK = AllowedAddresses(loopback=True)


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com/fermata",
        "http://HOOKS.example.com:8080",
        "https://a.b.internal.example.com/x?y=1",
        "http://10.1.2.3/",
    ],
)
def test_named_hosts_are_allowed(url: str) -> None:
    assert OPEN.faults(url) == []


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/",
        "https://hooks.example.com.evil.org/",
        "https://internal.example.com/",
        "https://evilinternal.example.com/",
        "https://user:pass@hooks.example.com/",
        "https://hooks.example.com/#x",
        "ftp://hooks.example.com/",
        "https:///x",
        "//hooks.example.com",
        "https://hooks.example.com:99999/",
        "https://hooks.example.com/\r\nX: y",
        "https://hooks.example.com/" + "x" * 2_000,
        "http://[::1",
        "http://127.0.0.1/",
        "http://localhost/",
        "",
    ],
)
def test_anything_else_is_not(url: str) -> None:
    (fault,) = OPEN.faults(url)
    assert fault.field == "url"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.8.9.1"])
def test_loopback_needs_its_setting(host: str) -> None:
    url = f"http://{host}:1234/hook"
    assert LOOPBACK.faults(url) == []
    assert AllowedAddresses().faults(url) != []


def test_an_allowed_name_that_leads_to_loopback_is_refused_when_it_is_asked() -> None:
    named = AllowedAddresses(("localhost",))
    assert named.faults("http://localhost/") == []
    with pytest.raises(AddressRefused, match="leads to loopback"):
        named.target("http://localhost/")


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "0.0.0.0", "224.0.0.1", "[fe80::1]", "[::ffff:169.254.0.1]"]
)
def test_addresses_that_are_never_asked(address: str) -> None:
    named = AllowedAddresses((address.strip("[]"),))
    assert named.faults(f"http://{address}/") == []
    with pytest.raises(AddressRefused, match="never asked"):
        named.target(f"http://{address}/")


def test_loopback_hidden_in_an_ipv6_address_is_refused() -> None:
    with pytest.raises(AddressRefused, match="leads to loopback"):
        AllowedAddresses(("::ffff:127.0.0.1",)).target("http://[::ffff:127.0.0.1]/")


def test_the_target_is_the_address_that_was_looked_at() -> None:
    target = LOOPBACK.target("http://localhost:8123/a?b=c")
    assert (target.host_header, target.path, target.port) == ("localhost:8123", "/a?b=c", 8123)
    assert target.address in ("127.0.0.1", "::1")
