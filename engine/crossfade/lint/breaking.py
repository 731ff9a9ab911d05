"""The rules whose findings break what is running without being errors: what a pipeline has to stop for too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossfade.lint.finding import Severity

if TYPE_CHECKING:
    from crossfade.lint.finding import Finding

BREAKING = frozenset(
    {
        "delete-all-rows",
        "drop-cascade",
        "drop-column",
        "drop-not-null",
        "drop-schema",
        "drop-table",
        "enum-rebuilt",
        "rename-column",
        "rename-enum-value",
        "rename-schema",
        "rename-table",
        "rename-type",
        "view-replaced",
    }
)
"""Running versions of an app fail on what these find, or rows are lost."""


def is_unsafe(finding: Finding) -> bool:
    """Whether a migration must not simply be run for this."""
    return finding.severity is Severity.ERROR or finding.rule in BREAKING
