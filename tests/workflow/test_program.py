"""A program survives the ledger, and knows which of its phases have anything to do."""

from __future__ import annotations

import json

import pytest

from crossfade.operations.step import Copy, DataChange, Delete, Phase, Update, Write
from crossfade.workflow.program import Program, from_json


def program(*writes: Write) -> Program:
    data = tuple(
        DataChange(id=f"{n}", schema="Ü", table='a"b', pending="true", write=write, touched=("x", "%s"))
        for n, write in enumerate(writes)
    )
    return Program(plan="p", steps=(), rows=(), data=data)


WRITES = {
    "update": Update(assignment='"a" = 1'),
    "delete": Delete(),
    "archive": Delete(archive='"s"."t"', columns=('"a"', '"b"')),
    "copy": Copy(into='"s"."t"', columns=('"a"',), values=("lower(a)",)),
    "upsert": Copy(into='"s"."t"', columns=('"a"', '"b"'), values=("a", "b"), on_conflict="ON CONFLICT DO NOTHING"),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_change_of_rows_comes_back_from_json(write: Write) -> None:
    stored = json.loads(json.dumps(program(write).as_json()))
    assert from_json(stored) == program(write)


def test_changes_of_rows_are_the_backfills() -> None:
    made = program(Delete())
    assert {phase: made.is_empty(phase) for phase in Phase} == {
        Phase.EXPAND: True,
        Phase.BACKFILL: False,
        Phase.CONTRACT: True,
    }
    assert program().is_empty(Phase.BACKFILL)
