"""The sensor outside of the database: an address that answers a HEAD request with 200 while a backfill may go on.

A redirect is not followed: that of a login page would end in a 200. The address is named without its query.
"""

from __future__ import annotations

import http.client
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import IO

from crossfade.backfill.sensors.reading import Sensor
from crossfade.plan.addresses import shown_address

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
    address = shown_address(url)
    try:
        request = urllib.request.Request(url, method="HEAD")  # noqa: S310 # the plan admits http and https only
        with _OPENER.open(request, timeout=TIMEOUT_SECONDS) as response:
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


class Asker:
    """Asks in a thread of its own, since looking up a name can take longer than any time-out of a socket."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._answer: Observation | None = None

    def ask(self, url: str) -> Observation:
        """As `observe`, but never for much longer than `TIMEOUT_SECONDS`; a question that hangs is not asked again."""
        if self._thread is None or not self._thread.is_alive():
            self._answer = None
            self._thread = threading.Thread(target=self._observe, args=[url], name="crossfade-http", daemon=True)
            self._thread.start()
        self._thread.join(1.5 * TIMEOUT_SECONDS)
        late = Observation(address=shown_address(url), failure="no answer yet")
        return late if self._thread.is_alive() or self._answer is None else self._answer

    def _observe(self, url: str) -> None:
        self._answer = observe(url)


def _in_words(error: object) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {TIMEOUT_SECONDS:g} s"
    return (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
