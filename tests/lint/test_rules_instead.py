"""What rules about names, data and definitions show instead is no error itself, where it is SQL."""

from __future__ import annotations

import pytest
from pglast import parse_sql
from pglast.parser import ParseError

from crossfade.migrations.migration import Transaction

from . import test_rules_on_definitions, test_rules_on_lost_data, test_rules_on_running_versions
from .one_rule import SHOP, Files, said
from .told import Written, errors, told

TOLD = [
    *((rule, sql) for rule, sql, _ in test_rules_on_running_versions.TOLD),
    *(("drop-and-add-column", sql) for sql, _ in test_rules_on_lost_data.LOST_COLUMNS),
    *(("drop-and-create-table", sql) for sql, _ in test_rules_on_lost_data.LOST_TABLES),
    *(("enum-value-used-at-once", test_rules_on_lost_data.ADDED + sql) for sql in test_rules_on_lost_data.USED),
    *(("enum-rebuilt", form.format(values="'USER', 'ROOT'")) for form in (test_rules_on_lost_data.PRISMA,)),
    *test_rules_on_definitions.TOLD,
]


def shown(rule: str, sql: str, transaction: Transaction) -> list[str]:
    """What is SQL of the rule's advice; a sentence is none, nor is what the user has to complete."""
    advice = (s.instead for _, _, s in said(rule, Files(up=(SHOP, sql), transaction=transaction)))
    return [text for text in advice if text is not None and "…" not in text and is_sql(text)]


def is_sql(text: str) -> bool:
    try:
        return bool(parse_sql(text))
    except ParseError:
        return False


@pytest.mark.parametrize("transaction", [Transaction.ALWAYS, Transaction.NEVER])
def test_what_is_shown_instead_is_no_error_itself(transaction: Transaction) -> None:
    advice = {(rule, text) for rule, sql in TOLD for text in shown(rule, sql, transaction)}
    found = {
        (rule, text): [f.message for f in errors(told(SHOP, text, written=Written(transaction=Transaction.NEVER)))]
        for rule, text in advice
    }

    assert {rule for rule, _ in advice} >= {"rename-table", "drop-and-add-column", "enum-rebuilt"}
    assert {key: messages for key, messages in found.items() if messages} == {}
