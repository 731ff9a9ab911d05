"""Workflow commands of GitHub Actions, which become annotations: a line that begins with `::`.

What one may hold, and how it is escaped, is in GitHub's "Workflow commands for GitHub Actions". Whatever it is told,
a command stays one line. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping

_MESSAGE = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_PROPERTY = {**_MESSAGE, ":": "%3A", ",": "%2C"}


def command(level: str, title: str, message: str, place: Mapping[str, str] | None = None) -> str:
    """The command; `level` is error, warning or notice, `place` has `file`, `line` and their kind."""
    properties = {**(place or {}), "title": title}
    shown = ",".join(f"{name}={_escaped(value, _PROPERTY)}" for name, value in properties.items())
    return f"::{level} {shown}::{_escaped(message, _MESSAGE)}"


def _escaped(text: str, by: Mapping[str, str]) -> str:
    return "".join(by.get(character, character) for character in text)
