"""The reason that a person gives for what stops or gives something up: whoever asks later is told nothing else."""

from __future__ import annotations

from crossfade.errors import UsageError


def require_reason(reason: str) -> str:
    """The reason. Raises UsageError where it says nothing."""
    if not reason.strip():
        raise UsageError("the reason is empty", hint="Say why in a few words: whoever asks later is told.")
    return reason
