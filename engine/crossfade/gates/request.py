"""One GET request, within a time for all of it; what goes wrong is told in the system's own words.

A redirect is an answer like any other and is not followed: that of a login page would end in a 200. An answer is never
compressed, since a little of it can become any amount. The query of an address may have a token: the library logs the
address, and what it says of a failure may repeat it, so neither is given the query nor shown.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from crossfade.plan.addresses import shown_address
from crossfade.plan.durations import format_duration

if TYPE_CHECKING:
    import httpcore
    import httpx

_CONNECTED = "connection.connect_tcp.complete"
"""The library's name for it."""
_NOT_COMPRESSED = "identity"
_HEADERS = {"Accept": "application/json", "Accept-Encoding": _NOT_COMPRESSED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What came back."""

    status: int
    body: bytes = b""
    date: str | None = None
    """The server's clock, as its `Date` header has it."""
    age: str | None = None
    """How many seconds ago that was, where a cache says so by `Age`."""


class NoAnswer(Exception):
    """Nothing came back that can be used, and why: without the address."""


def _always(_status: int) -> bool:
    return True


def get(
    url: str,
    *,
    timeout: timedelta,
    largest: int,
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
    reads: Callable[[int], bool] = _always,
) -> Page:
    """Ask once. Raises NoAnswer; any status is an answer.

    Up to `largest` bytes of the body are read, and only with a status that `reads` is true for. Looking up the host's
    name can take longer than `timeout`.
    """

    connections: list[httpcore.AsyncNetworkStream] = []

    async def note(event: str, facts: Mapping[str, Any]) -> None:
        if event == _CONNECTED:
            connections.append(facts["return_value"])

    async def asked() -> Page:
        import httpx

        # The query goes into the request alone.
        target = (httpx.URL(url, params=params) if params else httpx.URL(url)).raw_path
        sent = {**_HEADERS, **(headers or {})}
        async with (
            httpx.AsyncClient(timeout=timeout.total_seconds(), follow_redirects=False) as client,
            client.stream(
                "GET", shown_address(url), headers=sent, extensions={"target": target, "trace": note}
            ) as response,
        ):
            body = await _body(response, largest) if reads(response.status_code) else b""
            date, age = (response.headers.get(name) for name in ("Date", "Age"))
            return Page(status=response.status_code, body=body, date=date, age=age)

    async def asked_and_closed() -> Page:
        try:
            return await _in_time(asked, timeout)
        finally:
            # The library leaves one open that is given up in the middle of a handshake.
            for connection in connections:
                await connection.aclose()

    return asyncio.run(asked_and_closed())


async def _in_time(asked: Callable[[], Coroutine[Any, Any, Page]], timeout: timedelta) -> Page:
    import httpx

    try:
        async with asyncio.timeout(timeout.total_seconds()):
            return await asked()
    except (httpx.TimeoutException, TimeoutError):
        raise NoAnswer(f"no answer within {format_duration(timeout)}") from None
    # A ValueError is that of a proxy in the environment which is no address.
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        raise NoAnswer(failure_in_words(error)) from None


async def _body(response: httpx.Response, largest: int) -> bytes:
    if response.headers.get("Content-Encoding", _NOT_COMPRESSED).strip().lower() != _NOT_COMPRESSED:
        raise NoAnswer("the answer is compressed, although that was not asked for")
    body = bytearray()
    async for piece in response.aiter_raw():
        body += piece
        if len(body) > largest:
            raise NoAnswer(f"the answer is larger than {largest >> 20} MB")
    return bytes(body)


def failure_in_words(error: Exception) -> str:
    """The system's word for the failure at the bottom of this error."""
    import httpx

    words = "it does not speak HTTP, or ended before its answer did" if isinstance(error, httpx.ProtocolError) else ""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, BaseExceptionGroup):
            cause = cause.exceptions[0]
        if isinstance(cause, OSError) and cause.errno is not None:
            # These two have numbers of their own.
            own = isinstance(cause, ssl.SSLError | socket.gaierror)
            words = cause.strerror or words if own else os.strerror(cause.errno)
        cause = cause.__cause__ or cause.__context__
    return words or type(error).__name__
