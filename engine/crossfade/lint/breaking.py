"""What a pipeline has to stop for: errors, and what breaks what is running without being one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossfade.lint.finding import Severity
from crossfade.lint.listing import all_rules

if TYPE_CHECKING:
    from crossfade.lint.finding import Finding


def is_unsafe(finding: Finding) -> bool:
    """Whether a migration must not simply be run for this."""
    return finding.severity is Severity.ERROR or all_rules()[finding.rule].breaks
