"""The verdict on each change that Prisma and Drizzle wrote, over the migration that they began with."""

from __future__ import annotations

import pytest

from crossfade.migrations.migration import Tool, Transaction

from ..fixtures.samples import DIFFS, INIT
from .told import Written, after, errors, rules, told

HOW = {
    "prisma": Written(tool=Tool.PRISMA, transaction=Transaction.IF_SEVERAL),
    "drizzle": Written(tool=Tool.DRIZZLE, transaction=Transaction.ALWAYS),
    "drizzle-1": Written(tool=Tool.DRIZZLE_1, transaction=Transaction.ALWAYS),
}
RELATION = ["required-column", "foreign-key-without-not-valid", "work-while-lock-held"]
ERRORS: dict[str, list[str]] = {
    "add_check": ["constraint-without-not-valid"],
    "add_index": ["index-not-concurrently"],
    "add_index_concurrently": ["not-in-a-transaction"],
    "add_relation": RELATION,
    "add_required": ["required-column"],
    "add_required_volatile_default": ["volatile-default"],
    "add_volatile_default": ["volatile-default"],
    "enum_remove": ["type-change"],
    "enum_rename": ["type-change"],
    "optional_to_required": ["set-not-null"],
    "pk_int_bigint": ["type-change"],
    "pk_int_to_bigint": ["type-change"],
    "rename_column_change_map": ["drop-and-add-column"],
    "rename_field_no_map": ["drop-and-add-column"],
    "rename_model_no_map": ["drop-and-create-table"],
    "scalar_to_list": ["drop-and-add-column"],
    "type_int_bigint": ["type-change"],
    "type_int_string": ["type-change"],
    "type_int_text": ["type-change"],
    "type_string_int": ["drop-and-add-column"],
    "type_text_varchar": ["type-change"],
}
"""By the change's name, which means the same with each tool; those that are not here have none."""
OF_ONE: dict[tuple[str, str], list[str]] = {
    ("prisma", "add_unique"): ["index-not-concurrently"],
    ("drizzle", "add_unique"): ["unique-without-index"],
    ("drizzle-1", "add_unique"): ["unique-without-index"],
    ("drizzle", "type_text_int"): ["type-change", "type-change-refused"],
    ("drizzle-1", "type_text_int"): ["type-change"],
}
"""Where one writes it in another way; Drizzle 0.31 forgets USING."""
CHANGES = [(file.parent.name, file.stem) for file in sorted(DIFFS.glob("*/*.sql"))]


@pytest.mark.parametrize(("tool", "change"), CHANGES)
def test_errors(tool: str, change: str) -> None:
    how = HOW[tool]
    began = after(INIT[tool].read_text(encoding="utf-8"), how)
    text = (DIFFS / tool / f"{change}.sql").read_text(encoding="utf-8")
    found = told(text, written=Written(tool=how.tool, transaction=how.transaction, schema=began))

    assert rules(errors(found)) == OF_ONE.get((tool, change), ERRORS.get(change, []))
