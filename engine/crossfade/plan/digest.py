"""What identifies a plan's meaning: the same for any layout, order of keys, comment and spelling of a duration.

Options left at their default count as not written, so a later version's new option does not change the digest of a
plan that runs.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crossfade.plan.model import Plan


def plan_digest(plan: Plan) -> str:
    """SHA-256 of the plan's meaning, in hex."""
    meaning = plan.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    text = json.dumps(meaning, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
