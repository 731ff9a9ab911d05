"""The source `http`: every instance is asked for its version at an address of its own, all of them side by side.

An instance that does not answer, or not with a version, is one about which nothing is known; it is not an absent one.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from crossfade.gates.aside import Aside
from crossfade.gates.json_path import value_at
from crossfade.gates.request import Page
from crossfade.gates.sources.answer import Answer, Seen, Unreadable
from crossfade.gates.sources.web import document, fetch
from crossfade.plan.addresses import shown_address
from crossfade.plan.durations import format_duration

if TYPE_CHECKING:
    from crossfade.plan.sources import HttpInstances


def observe(_app: str, entry: HttpInstances) -> Answer:
    """Ask all of them; ends within the entry's time-out."""
    seconds = entry.timeout.total_seconds()
    asked = {url: Aside(partial(_ask, url, entry), seconds=seconds) for url in entry.urls}
    late = f"no answer within {format_duration(entry.timeout)}"
    said = [aside.answer() or f"{shown_address(url)}: {late}" for url, aside in asked.items()]
    return Answer(
        seen=tuple(s for s in said if isinstance(s, Seen)), failures=tuple(s for s in said if isinstance(s, str))
    )


def _ask(url: str, entry: HttpInstances) -> Seen | str:
    try:
        return read(url, fetch(url, timeout=entry.timeout, token_env=entry.token_env), entry.path)
    except Unreadable as error:
        return str(error)


def read(url: str, page: Page, path: str) -> Seen:
    """The instance as its answer has it. Raises Unreadable. Pure."""
    address = shown_address(url)
    if page.status != 200:
        raise Unreadable(f"{address} answers {page.status}, not 200")
    try:
        version = value_at(document(page), path)
    except Unreadable as error:
        raise Unreadable(f"{address}: {error}") from None
    except LookupError:
        raise Unreadable(f"there is no {path} in the answer of {address}") from None
    if isinstance(version, int) and not isinstance(version, bool):
        version = str(version)
    if not isinstance(version, str):
        # As a number, 2.10 and 2.1 are one.
        raise Unreadable(f"{path} in the answer of {address} is not a text")
    return Seen(version=version, instance=_instance(url), host=urlsplit(url).hostname)


def _instance(url: str) -> str:
    """What is its own among the addresses: two may differ in nothing but their paths."""
    parts = urlsplit(url)
    return f"{parts.netloc}{parts.path}".rstrip("/")
