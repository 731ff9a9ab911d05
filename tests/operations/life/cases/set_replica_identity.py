"""What logical replication sends of a row."""

from __future__ import annotations

from ..case import Case

CASES = (
    Case(
        id="an index in place of the key",
        setup="""
        CREATE TABLE users (id int PRIMARY KEY, email text NOT NULL);
        CREATE UNIQUE INDEX users_email ON users (email);
        """,
        changes="""
        - set_replica_identity: {table: users, to: full}
        - set_replica_identity: {table: users, to: index, index: users_email}
        """,
        plain="ALTER TABLE users REPLICA IDENTITY USING INDEX users_email",
        old_writes=("INSERT INTO users VALUES (%(n)s, 'old' || %(n)s)", "DELETE FROM users WHERE id = %(n)s"),
        turns_back=frozenset(),
    ),
)
