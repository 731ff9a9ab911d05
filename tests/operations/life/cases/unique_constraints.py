"""Uniqueness: constraints, keys and exclusions, enforced once no live version writes what they refuse."""

from __future__ import annotations

from crossfade.workflow.states import State

from ..case import Case

_ACCOUNTS = """
    CREATE TABLE accounts (number int, "Owner" text, iban text, closed bool NOT NULL DEFAULT false);
    INSERT INTO accounts SELECT g, 'o' || g, 'i' || g FROM generate_series(1, 200) g;
    CREATE VIEW open_accounts AS SELECT * FROM accounts WHERE NOT closed;
"""

CASES = (
    Case(
        id="a key, a constraint and an index over some of the rows",
        setup=_ACCOUNTS,
        changes="""
        - add_primary_key: {table: accounts, name: accounts_pkey, columns: [number]}
        - add_unique: {table: accounts, name: one_owner, columns: [Owner, number], deferrable: deferred}
        - add_unique: {table: accounts, name: one_open_iban, columns: [iban], where: NOT closed}
        """,
        plain="""
        ALTER TABLE accounts ADD CONSTRAINT accounts_pkey PRIMARY KEY (number);
        ALTER TABLE accounts ADD CONSTRAINT one_owner UNIQUE ("Owner", number) DEFERRABLE INITIALLY DEFERRED;
        CREATE UNIQUE INDEX one_open_iban ON accounts (iban) WHERE NOT closed;
        """,
        old_writes=(
            "INSERT INTO accounts VALUES (%(n)s, 'old', 'same'), (%(n)s, 'old', 'same')",
            "UPDATE accounts SET iban = 'o' || %(n)s WHERE number = %(n)s %% 200 + 1",
            "DELETE FROM accounts WHERE number = %(n)s",
        ),
        new_writes=(
            "INSERT INTO accounts VALUES (-%(n)s, 'new', 'n' || %(n)s)",
            "UPDATE accounts SET iban = 'p' || %(n)s WHERE number = %(n)s %% 200 + 1",
        ),
        checks={State.BACKFILLED: (("SELECT count(*) FROM pg_index WHERE indrelid = 'accounts'::regclass", [(0,)]),)},
    ),
    Case(
        id="over the partitions of a table, and an exclusion",
        setup="""
        CREATE TABLE rooms (id int NOT NULL, wing int NOT NULL) PARTITION BY LIST (wing);
        CREATE TABLE rooms_east PARTITION OF rooms FOR VALUES IN (1);
        CREATE TABLE rooms_others PARTITION OF rooms DEFAULT;
        INSERT INTO rooms SELECT g, g %% 2 FROM generate_series(1, 200) g;
        CREATE TABLE bookings (id int PRIMARY KEY, stay int4range);
        """.replace("%%", "%"),
        changes="""
        - add_primary_key: {table: rooms, name: rooms_pkey, columns: [wing, id]}
        - add_unique: {table: rooms, name: rooms_once, columns: [id, wing]}
        - add_exclusion: {table: bookings, name: no_overlap, elements: [{column: stay, operator: "&&"}]}
        """,
        plain="""
        ALTER TABLE rooms ADD CONSTRAINT rooms_pkey PRIMARY KEY (wing, id);
        ALTER TABLE rooms ADD CONSTRAINT rooms_once UNIQUE (id, wing);
        ALTER TABLE bookings ADD CONSTRAINT no_overlap EXCLUDE USING gist (stay WITH &&);
        """,
        old_writes=(
            "INSERT INTO rooms VALUES (%(n)s, 1)",
            "INSERT INTO bookings VALUES (%(n)s, int4range(%(n)s, %(n)s + 1))",
        ),
        new_writes=("INSERT INTO rooms VALUES (%(n)s, 2)",),
    ),
)
