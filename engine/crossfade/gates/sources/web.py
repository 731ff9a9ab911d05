"""What a source asks by HTTP, and the JSON that it is answered with; what goes wrong is told without secrets."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from crossfade.gates import request
from crossfade.gates.json_path import parsed
from crossfade.gates.request import NoAnswer, Page
from crossfade.gates.sources.answer import Unreadable
from crossfade.plan.addresses import shown_address

_LARGEST = 16 << 20
"""Bytes of an answer that are read."""


def fetch(url: str, *, timeout: timedelta, token_env: str | None, params: Mapping[str, str] | None = None) -> Page:
    """Ask once. Raises Unreadable where no answer comes; any status is one."""
    headers = _authorization(token_env)
    try:
        return request.get(url, timeout=timeout, largest=_LARGEST, headers=headers, params=params)
    except NoAnswer as error:
        raise Unreadable(f"{shown_address(url)}: {error}") from None


def document(page: Page) -> Any:
    """Its JSON. Raises Unreadable."""
    try:
        return parsed(page.body)
    except (ValueError, RecursionError):
        raise Unreadable("the answer is not JSON that has one meaning") from None


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
