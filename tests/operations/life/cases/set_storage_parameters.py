"""Storage parameters of a table and of its TOAST table, set and reset."""

from __future__ import annotations

from ..case import Case

CASES = (
    Case(
        id="some set and one reset",
        setup="CREATE TABLE users (id int PRIMARY KEY, email text) WITH (fillfactor = 70, parallel_workers = 2)",
        changes="""
        - set_storage_parameters:
            table: users
            set: {fillfactor: 80, autovacuum_vacuum_scale_factor: 0.02, toast.autovacuum_enabled: false}
            reset: [parallel_workers]
        """,
        plain="""
        ALTER TABLE users SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02,
            toast.autovacuum_enabled = false);
        ALTER TABLE users RESET (parallel_workers);
        """,
        old_writes=("INSERT INTO users VALUES (%(n)s, 'old')", "DELETE FROM users WHERE id = %(n)s"),
        turns_back=frozenset(),
    ),
)
