"""Prints docs/reference/lint.md with its list of rules and their explanations as the rules themselves have them.

python -m tests.docs.lint_page > /tmp/lint.md && mv /tmp/lint.md docs/reference/lint.md
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossfade.lint.bookkeeping import BOOKKEEPING
from crossfade.lint.rules import REST, RULES

from .pages import DOCS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from crossfade.lint.rule import Rule

PAGE = DOCS / "reference" / "lint.md"
_BEGIN = "## Rules\n"
_LEAD = (
    "Printed from the rules by `python -m tests.docs.lint_page`. `crossfade lint --list` has the list too, and "
    "`crossfade lint --explain RULE` each\nexplanation."
)


def page() -> str:
    """The whole page: what is written by hand up to the rules, and the rules."""
    by_hand = PAGE.read_text(encoding="utf-8").partition(_BEGIN)[0]
    asked = sorted((*RULES, REST), key=lambda rule: rule.id)
    lines = [
        *(_BEGIN, _LEAD, "", *_table(asked)),
        *(
            "",
            "About lint's own doings, which no comment can allow, but for `unreadable`:",
            "",
            *_table(BOOKKEEPING),
            "",
        ),
        *(line for rule in (*asked, *BOOKKEEPING) for line in _section(rule)),
    ]
    return by_hand + "\n".join(lines).rstrip() + "\n"


def _table(rules: Iterable[Rule]) -> Iterator[str]:
    yield "| rule | severity | what |"
    yield "|---|---|---|"
    for rule in rules:
        severity = f"{rule.severity.word}{', only where enabled' if rule.opt_in else ''}"
        yield f"| [`{rule.id}`](#{rule.id}) | {severity} | {_cell(rule.summary)} |"


def _section(rule: Rule) -> Iterator[str]:
    yield f"### `{rule.id}`"
    yield ""
    yield rule.explanation.strip()
    yield ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201  # the page is the output
