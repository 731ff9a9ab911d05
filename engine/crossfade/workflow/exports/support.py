"""What trigger functions call of the ledger, for databases that have no ledger. Pure.

With a ledger its own functions are used, so legacy writes are noted and can be looked for before contract. Without one
they do nothing; `crossfade init` puts the real ones in their place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossfade.postgres.statement import render
from crossfade.workflow.exports.block import block, body

if TYPE_CHECKING:
    from collections.abc import Iterable

_SCHEMA = '"crossfade"'


def support(texts: Iterable[str]) -> tuple[str, ...]:
    """The statements that have to run before these, if any of these needs the schema `crossfade`."""
    if not any(_SCHEMA in text for text in texts):
        return ()
    return ("CREATE SCHEMA IF NOT EXISTS crossfade", block(_text("support")))


def _text(name: str) -> str:
    return render(body(name).format())


SUPPORT_BACK = (block(_text("support_back")),)
"""Takes that back, unless a ledger or another exported plan uses it."""
