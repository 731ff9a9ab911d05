"""The sensor outside of the database: an address that answers a HEAD request with 200 while a backfill may go on.

A redirect is not followed: that of a login page would end in a 200. The address is named without its user, password
and query.
"""

from __future__ import annotations

import base64
import http.client
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import IO
from urllib.parse import unquote, urlsplit, urlunsplit

from crossfade.backfill.sensors.reading import Sensor

TIMEOUT_SECONDS = 1.0
_GOOD = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What came back."""

    address: str
    """As it may be shown."""
    status: int | None = None
    failure: str | None = None
    """Why there is no status."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self,
        req: urllib.request.Request,  # noqa: ARG002 # urllib's signature
        fp: IO[bytes],  # noqa: ARG002
        code: int,  # noqa: ARG002
        msg: str,  # noqa: ARG002
        headers: http.client.HTTPMessage,  # noqa: ARG002
        newurl: str,  # noqa: ARG002
    ) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirects)


def observe(url: str) -> Observation:
    """Ask once; every failure is part of the answer."""
    address = _shown(url)
    try:
        with _OPENER.open(_request(url), timeout=TIMEOUT_SECONDS) as response:
            return Observation(address=address, status=response.status)
    except urllib.error.HTTPError as answer:
        with answer:
            return Observation(address=address, status=answer.code)
    except urllib.error.URLError as error:
        return Observation(address=address, failure=_in_words(error.reason))
    except (OSError, http.client.HTTPException) as error:
        return Observation(address=address, failure=_in_words(error))


def judge(observation: Observation) -> str | None:
    """Wait unless the answer is 200."""
    if observation.status == _GOOD:
        return None
    if observation.status is None:
        return f"{Sensor.HTTP} cannot be read: {observation.address}: {observation.failure}"
    return f"{observation.address} answers {observation.status}, not {_GOOD}"


def _request(url: str) -> urllib.request.Request:
    parts = urlsplit(url)
    bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment=""))
    request = urllib.request.Request(bare, method="HEAD")  # noqa: S310 # the plan admits http and https only
    if parts.username is not None:
        secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        request.add_header("Authorization", f"Basic {base64.b64encode(secret).decode()}")
    return request


def _shown(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _in_words(error: object) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {TIMEOUT_SECONDS:g} s"
    return (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
