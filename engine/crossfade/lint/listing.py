"""Every rule by its name: for lists, explanations, settings and allowances."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from crossfade.lint.bookkeeping import BOOKKEEPING, UNREADABLE
from crossfade.lint.rules import REST, RULES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from crossfade.lint.rule import Rule
    from crossfade.lint.settings import LintSettings
    from crossfade.migrations.migration import Project


@cache
def all_rules() -> Mapping[str, Rule]:
    """Every rule by its name: those about statements and files, then those about lint's own doings."""
    return {rule.id: rule for rule in (*RULES, REST, *BOOKKEEPING)}


@cache
def allowable() -> frozenset[str]:
    """The rules that a comment can allow: those that say something about SQL."""
    return frozenset(rule.id for rule in (*RULES, REST, UNREADABLE))


def asked(settings: LintSettings, projects: Iterable[Project]) -> tuple[Rule, ...]:
    """The rules to ask: those that the settings ask, and others that a comment in one of the files may allow."""
    texts = {m.up.source.text for project in projects for m in project.migrations}
    texts |= {m.down.source.text for project in projects for m in project.migrations if m.down is not None}
    return tuple(rule for rule in RULES if settings.asks(rule) or any(rule.id in text for text in texts))


def did_you_mean(word: str) -> str | None:
    """The question that a misspelt rule deserves; None where no name is near."""
    from crossfade.plan.words import nearest_word, shown

    found = nearest_word(word, [name.replace("-", "_") for name in all_rules()])
    return None if found is None else f"did you mean {shown(found.replace('_', '-'))}?"
