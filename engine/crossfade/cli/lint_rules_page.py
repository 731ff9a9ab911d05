"""The rules of lint for people: all of them in a list, or one explained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crossfade.cli.output import table
from crossfade.errors import UsageError

if TYPE_CHECKING:
    from rich.table import Table

    from crossfade.lint.rule import Rule


def rule_named(name: str) -> Rule:
    """The rule. Raises UsageError for a name that is none."""
    from crossfade.lint.listing import all_rules, did_you_mean
    from crossfade.plan.words import shown

    found = all_rules().get(name)
    if found is None:
        hint = did_you_mean(name) or "crossfade lint --list has all names"
        raise UsageError(f"there is no rule {shown(name)}", hint=hint)
    return found


def documents() -> list[dict[str, Any]]:
    """All rules, for `--json`."""
    from crossfade.lint.listing import all_rules

    return [document(rule) for rule in all_rules().values()]


def document(rule: Rule) -> dict[str, Any]:
    """One rule, for `--json`."""
    return {
        "rule": rule.id,
        "severity": rule.severity.word,
        "opt_in": rule.opt_in,
        "summary": rule.summary,
        "explanation": rule.explanation.strip(),
    }


def page_of_all() -> Table:
    """A line for each rule."""
    from crossfade.lint.listing import all_rules

    rows = [(r.id, f"{r.severity.word}{', opt-in' if r.opt_in else ''}", r.summary) for r in all_rules().values()]
    return table(("rule", "severity", "what"), rows)


def _is_of_files(rule: Rule) -> bool:
    return rule.statement is None and (rule.migration or rule.project or rule.past) is not None


def page_of(rule: Rule) -> str:
    """What a rule means, and how it is allowed or turned off."""
    from crossfade.lint.listing import allowable

    lines = [f"{rule.id} ({rule.severity.word}): {rule.summary}", "", rule.explanation.strip(), ""]
    if rule.opt_in:
        lines.append(f'Asked only where the settings say so: enable = ["{rule.id}"] in [lint] of crossfade.toml.')
    if rule.id in allowable():
        word, where = ("allow-file", "in one file:     ") if _is_of_files(rule) else ("allow", "on one statement:")
        lines.append(f"Allow it {where}  -- crossfade: {word} {rule.id} because REASON")
    if not rule.opt_in:
        lines.append(f'Never ask it:               disable = ["{rule.id}"] in [lint] of crossfade.toml')
    return "\n".join(lines) + "\n"
