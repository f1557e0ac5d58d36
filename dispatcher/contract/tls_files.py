"""Where a dispatcher finds what it proves its name with."""

from __future__ import annotations

import msgspec


class TlsFiles(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    PEM files: the certificate with those that lead to its issuer, its key, and whose clients may come.

    With ``client_ca`` only clients that show a certificate of one of these issuers are served.
    """

    certificate: str
    key: str
    client_ca: str | None = None
