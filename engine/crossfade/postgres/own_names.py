"""Names of our own objects: hashed, so that two long names never become one by truncation.

PostgreSQL cuts identifiers at 63 bytes; a derived name that is merely longer than its source would collide or be cut.
"""

from __future__ import annotations

import hashlib
import re

LEDGER_SCHEMA = "crossfade"
OWN_NAME = re.compile(r"crossfade_([a-z_]+)_[0-9a-f]{12}")
"""What `own_name` gives, with its purpose."""


def own_name(purpose: str, *parts: str) -> str:
    """`crossfade_<purpose>_<12 hex digits>`, the digits from all the parts; at most 63 bytes for a short purpose."""
    digest = hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:12]
    return f"crossfade_{purpose}_{digest}"


def is_own_name(name: str) -> bool:
    """Whether `own_name` gives such names; a user's may begin with `crossfade_` too."""
    return OWN_NAME.fullmatch(name) is not None


def mark(plan: str) -> str:
    """The comment that every object of ours on a user's table carries; `doctor --orphans` reads it."""
    return f"crossfade: run {plan}"
