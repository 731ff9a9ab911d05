"""Web addresses that a plan writes. Pure."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from crossfade.plan.faults import fault


def web_address(text: str) -> str:
    """The text, if a request can be sent there and it has no password. Messages do not repeat it."""
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not text.isprintable() or not text.isascii() or " " in text:
        raise fault("not a web address", "write http://HOST/PATH or https://HOST/PATH, all else percent-encoded")
    if parts.username is not None:
        raise fault(
            "an address with a user or a password; everybody who may read the plan or the ledger could read them",
            "let it answer without them, to whom it may concern",
        )
    return text


def shown_address(url: str) -> str:
    """The address without its query, which may have a token."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))
