"""What is done to each hazard: an entry of a plan, and the DDL of somebody who may stop every app."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg import sql

from crossfade.postgres.statement import render

if TYPE_CHECKING:
    from collections.abc import Callable

    from .hazards import Hazard

Change = tuple[dict[str, Any], str]


def _q(name: str) -> str:
    return render(sql.Identifier(name))


def _alter(hazard: Hazard, action: str) -> str:
    return f"ALTER TABLE {_q(hazard.table)} {action};"


def _wide(hazard: Hazard) -> str:
    return "bigint" if hazard.type == "int" else "varchar(70)"


def _rename(hazard: Hazard) -> Change:
    entry = {"table": _q(hazard.table), "from": hazard.column, "to": "New"}
    return {"rename_column": entry}, _alter(hazard, f'RENAME {_q(hazard.column)} TO "New"')


def _rename_by_alias(hazard: Hazard) -> Change:
    entry, plain = _rename(hazard)
    return {"rename_column": entry["rename_column"] | {"strategy": "alias"}}, plain


def _change_type(hazard: Hazard) -> Change:
    entry = {"table": _q(hazard.table), "column": hazard.column, "to": _wide(hazard)}
    alter = _alter(hazard, f"ALTER {_q(hazard.column)} TYPE {_wide(hazard)}")
    return {"change_type": entry}, hazard.away + alter + hazard.on_top


def _change_type_into(hazard: Hazard) -> Change:
    column = _q(hazard.column)
    using, reverse = (
        (f"{column} + 1", '"New" - 1') if hazard.type == "int" else (f"'x' || {column}", 'substr("New", 2)')
    )
    entry = {"table": _q(hazard.table), "column": hazard.column, "to": _wide(hazard), "into": "New"}
    alter = _alter(hazard, f"ALTER {column} TYPE {_wide(hazard)} USING {using}")
    rename = _alter(hazard, f'RENAME {column} TO "New"')
    return {"change_type": entry | {"using": using, "reverse": reverse}}, hazard.away + alter + hazard.on_top + rename


def _split(hazard: Hazard) -> Change:
    column = _q(hazard.column)
    using, reverse = (f"{column} / 10", f"{column} % 10"), '"One" * 10 + "Two"'
    if hazard.type == "text":
        using, reverse = (f"left({column}, 1)", f"substr({column}, 2)"), '"One" || "Two"'
    into = {name: {"type": hazard.type, "using": of} for name, of in zip(("One", "Two"), using, strict=True)}
    entry = {"table": _q(hazard.table), "from": hazard.column, "into": into, "reverse": reverse}
    add = _alter(hazard, f'ADD "One" {hazard.type}, ADD "Two" {hazard.type}')
    return {"split_column": entry}, add + _alter(hazard, f"DROP {column}")


def _drop(hazard: Hazard) -> Change:
    entry = {"table": _q(hazard.table), "column": hazard.column}
    return {"drop_column": entry}, _alter(hazard, f"DROP {_q(hazard.column)}")


def _set_not_null(hazard: Hazard) -> Change:
    fill = "12" if hazard.type == "int" else "'12'"
    entry = {"table": _q(hazard.table), "column": hazard.column, "fill": fill}
    return {"set_not_null": entry}, _alter(hazard, f"ALTER {_q(hazard.column)} SET NOT NULL")


def _add_check(hazard: Hazard) -> Change:
    condition = f"{_q(hazard.column)} IS NOT NULL"
    entry = {"table": _q(hazard.table), "name": "New", "expression": condition}
    return {"add_check": entry}, _alter(hazard, f'ADD CONSTRAINT "New" CHECK ({condition})')


def _add_unique(hazard: Hazard) -> Change:
    entry = {"table": _q(hazard.table), "name": "New", "columns": [hazard.column, hazard.key]}
    return {"add_unique": entry}, _alter(hazard, f'ADD CONSTRAINT "New" UNIQUE ({_q(hazard.column)}, {_q(hazard.key)})')


def _create_index(hazard: Hazard) -> Change:
    column = _q(hazard.column)
    entry = {"table": _q(hazard.table), "name": "New", "columns": [{"column": hazard.column, "order": "desc"}]}
    plain = f'CREATE INDEX "New" ON {_q(hazard.table)} ({column} DESC) WHERE {column} IS NOT NULL;'
    return {"create_index": entry | {"where": f"{column} IS NOT NULL"}}, plain


def _add_column(hazard: Hazard) -> Change:
    entry = {"table": _q(hazard.table), "name": "New", "type": "text", "nullable": False, "default": "'n'"}
    return {"add_column": entry}, _alter(hazard, "ADD \"New\" text NOT NULL DEFAULT 'n'")


def _set_default(hazard: Hazard) -> Change:
    value = "12" if hazard.type == "int" else "'12'"
    entry = {"table": _q(hazard.table), "column": hazard.column, "value": value}
    return {"set_default": entry}, _alter(hazard, f"ALTER {_q(hazard.column)} SET DEFAULT {value}")


def _rename_table(hazard: Hazard) -> Change:
    return {"rename_table": {"from": _q(hazard.table), "to": "New"}}, _alter(hazard, 'RENAME TO "New"')


CHANGES: dict[str, Callable[[Hazard], Change]] = {
    "rename_column": _rename,
    "rename_column by alias": _rename_by_alias,
    "change_type": _change_type,
    "change_type into": _change_type_into,
    "split_column": _split,
    "drop_column": _drop,
    "set_not_null": _set_not_null,
    "add_check": _add_check,
    "add_unique": _add_unique,
    "create_index": _create_index,
    "add_column": _add_column,
    "set_default": _set_default,
    "rename_table": _rename_table,
}
