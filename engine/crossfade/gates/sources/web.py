"""A GET request of a source, and the JSON that it is answered with; what goes wrong is told without secrets.

A redirect is an answer like any other and is not followed: that of a login page would end in a 200.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crossfade.gates.sources.answer import Unreadable
from crossfade.plan.addresses import shown_address

if TYPE_CHECKING:
    import httpx

_NOT_COMPRESSED = "identity"
_LARGEST = 16 << 20
"""Bytes of an answer that are read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What came back."""

    status: int
    body: bytes
    date: str | None = None
    """The server's clock, as its `Date` header has it."""

    def json(self) -> Any:
        """The document. Raises Unreadable."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise Unreadable("the answer is not JSON") from None


def fetch(url: str, *, seconds: float, token_env: str | None, params: Mapping[str, str] | None = None) -> Page:
    """Ask once. Raises Unreadable where no answer comes; any status is one."""
    import httpx

    address = shown_address(url)
    headers = {"Accept": "application/json", "Accept-Encoding": _NOT_COMPRESSED, **_authorization(token_env)}
    try:
        # The query goes into the request alone, since the library logs the address.
        target = httpx.URL(url, params=params).raw_path if params else httpx.URL(url).raw_path
        with (
            httpx.Client(timeout=seconds, follow_redirects=False) as client,
            client.stream("GET", address, headers=headers, extensions={"target": target}) as response,
        ):
            return Page(status=response.status_code, body=_body(response), date=response.headers.get("date"))
    # A ValueError is that of a proxy in the environment which is no address.
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        raise Unreadable(f"{address}: {str(error).strip() or type(error).__name__}") from None
    except Unreadable as error:
        raise Unreadable(f"{address}: {error}") from None


def _body(response: httpx.Response) -> bytes:
    if response.headers.get("content-encoding", _NOT_COMPRESSED).strip().lower() != _NOT_COMPRESSED:
        # A little of it can become any amount.
        raise Unreadable("the answer is compressed, although that was not asked for")
    read = bytearray()
    for piece in response.iter_raw():
        read += piece
        if len(read) > _LARGEST:
            raise Unreadable(f"the answer is larger than {_LARGEST >> 20} MB")
    return bytes(read)


def secret(variable: str) -> str:
    """What the environment variable has. Raises Unreadable where that is nothing."""
    found = os.environ.get(variable, "").strip()
    if not found:
        raise Unreadable(f"the environment variable {variable} is not set; set it where crossfade runs")
    return found


def _authorization(token_env: str | None) -> dict[str, str]:
    if token_env is None:
        return {}
    token = secret(token_env)
    if not token.isascii() or not token.isprintable():
        raise Unreadable(f"the environment variable {token_env} has no token that can be sent")
    return {"Authorization": f"Bearer {token}"}
