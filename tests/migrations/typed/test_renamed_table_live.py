"""A model that Prisma gives another name: constraints, NOT NULL's of 18 too, and the sequence have it in the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crossfade.migrations.typed import Enums
from crossfade.operations.acks import ACKS
from crossfade.operations.step import Phase
from crossfade.plan.load import parse_plan
from crossfade.plan.written import written
from crossfade.postgres.catalog_read import read_catalog
from crossfade.postgres.forecast import Schema
from crossfade.workflow.engine import Engine
from crossfade.workflow.states import State

from .reading import read

if TYPE_CHECKING:
    from ...fixtures.database import Database

BEFORE = 'CREATE TABLE "Post" ("id" SERIAL NOT NULL, "t" TEXT NOT NULL, CONSTRAINT "Post_pkey" PRIMARY KEY ("id"));'
MIGRATION = 'DROP TABLE "Post";' + BEFORE.replace("Post", "Article")


@pytest.mark.every_server
def test_all_names_of_a_table_are_the_new_ones(database: Database) -> None:
    with database.connect(autocommit=True) as connection:
        connection.execute(BEFORE.encode())
        found = Schema.of(read_catalog(connection, [("public", "Post")]))
    (typed,) = read(MIGRATION, (found, Enums()))
    entries = [{kind: {**fields, "intent": "confirmed"}} for entry in typed.entries for kind, fields in entry.items()]
    plan = parse_plan(written("p", entries, below={"hold": "0s"}), "plan.yaml")
    with Engine(database.url) as engine:
        engine.init()
        engine.start(plan, ACKS)
        engine.approve("p", Phase.CONTRACT, "anna")
        assert engine.advance(plan, acks=ACKS).state is State.CONTRACTED
    by_plan = database.dump()
    with database.connect(autocommit=True) as connection:
        connection.execute(MIGRATION.replace('"Post"', '"Article"', 1).encode())
    assert by_plan == database.dump()
