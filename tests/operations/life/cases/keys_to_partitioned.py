"""Foreign keys to a partitioned table, one of whose partitions is partitioned itself: every change of a table that has
one. PostgreSQL keeps a constraint for each of those partitions, which no dump shows: `PARTS` does."""

from __future__ import annotations

from typing import Any

from ..case import Case

PARTS = """
SELECT conrelid::regclass::text, conname, confrelid::regclass::text FROM pg_constraint
WHERE contype = 'f' AND conrelid::regclass::text NOT LIKE 'crossfade.%' ORDER BY 1, 2, 3
"""
PEOPLE = """
    CREATE TABLE people (id int PRIMARY KEY) PARTITION BY RANGE (id);
    CREATE TABLE people_0 PARTITION OF people FOR VALUES FROM (0) TO (100);
    CREATE TABLE people_1 PARTITION OF people FOR VALUES FROM (100) TO (200) PARTITION BY RANGE (id);
    CREATE TABLE people_1a PARTITION OF people_1 FOR VALUES FROM (100) TO (150);
    CREATE TABLE people_1b PARTITION OF people_1 FOR VALUES FROM (150) TO (200);
    CREATE TABLE people_rest PARTITION OF people DEFAULT;
    INSERT INTO people SELECT generate_series(1, 250);
"""
ORDERS = (
    PEOPLE
    + """
    CREATE TABLE o (id int PRIMARY KEY, who int CONSTRAINT o_fk REFERENCES people ON DELETE SET NULL, note text);
    INSERT INTO o SELECT g, g, 'n ' || g FROM generate_series(1, 200) g;
"""
)
EVENTS = (
    PEOPLE
    + """
    CREATE TABLE ev (y int NOT NULL, id int NOT NULL, who int REFERENCES people ON DELETE CASCADE, PRIMARY KEY (y, id))
        PARTITION BY RANGE (y);
    CREATE TABLE ev_1 PARTITION OF ev FOR VALUES FROM (1) TO (2);
    INSERT INTO ev SELECT 1, g, g FROM generate_series(1, 200) g;
"""
)


def writes(table: str, column: str) -> tuple[str, ...]:
    """Somebody new is referred to, goes, and is referred to no more; every partition is."""
    return (
        "INSERT INTO people VALUES (%(n)s)",
        f"INSERT INTO {table} (id, {column}) VALUES (%(n)s, %(n)s)",
        f"UPDATE {table} SET {column} = (%(n)s * 50) %% 250 + 1 WHERE id = %(n)s %% 200 + 1",
        "DELETE FROM people WHERE id = %(n)s",
        f"DELETE FROM {table} WHERE id = %(n)s AND {column} IS NULL",
    )


def of_orders(what: str, changes: str, plain: str, **more: Any) -> Case:
    """A case of the plain table; both versions write alike unless it is said."""
    usual: dict[str, Any] = {"old_writes": writes("o", "who"), "new_writes": writes("o", "who"), "untouched": (PARTS,)}
    return Case(id=what, setup=ORDERS, changes=changes, plain=plain, **usual | more)


CASES = (
    of_orders(
        "the key's column gets another type",
        "- change_type: {table: o, column: who, to: bigint}",
        "ALTER TABLE o ALTER who TYPE bigint",
    ),
    of_orders(
        "the key's column gets another type and name",
        "- change_type: {table: o, column: who, to: bigint, into: w}",
        "ALTER TABLE o ALTER who TYPE bigint; ALTER TABLE o RENAME who TO w",
        new_writes=writes("o", "w"),
    ),
    Case(
        id="a partitioned table's column gets another type",
        setup=EVENTS,
        changes="- change_type: {table: ev, column: who, to: bigint}",
        plain="ALTER TABLE ev ALTER who TYPE bigint",
        old_writes=("INSERT INTO ev VALUES (1, %(n)s, 7)", "UPDATE ev SET who = 120 WHERE id = %(n)s %% 200 + 1"),
        new_writes=("INSERT INTO ev VALUES (1, %(n)s, 7)", "UPDATE ev SET who = 160 WHERE id = %(n)s %% 200 + 1"),
        untouched=(PARTS,),
    ),
    of_orders(
        "the key's column gets another name",
        "- rename_column: {table: o, from: who, to: whom}",
        "ALTER TABLE o RENAME who TO whom",
        new_writes=writes("o", "whom"),
    ),
    of_orders(
        "the key's column gets another name by a view",
        "- rename_column: {table: o, from: who, to: whom, strategy: alias}",
        "ALTER TABLE o RENAME who TO whom",
        new_writes=writes("o", "whom"),
    ),
    of_orders(
        "another column is split",
        """
        - split_column:
            table: o
            from: note
            into:
              a: {type: text, using: "split_part(note, ' ', 1)"}
              b: {type: text, using: "split_part(note, ' ', 2)"}
            reverse: "concat_ws(' ', a, b)"
        """,
        "ALTER TABLE o DROP note, ADD a text, ADD b text",
    ),
    of_orders(
        "the key's column and another become one",
        """
        - merge_columns:
            table: o
            from: [who, note]
            into: whole
            type: text
            using: "concat_ws(' ', who, note)"
            reverse: {who: "nullif(split_part(whole, ' ', 1), '')::int", note: "split_part(whole, ' ', 2)"}
        """,
        "ALTER TABLE o DROP who, DROP note, ADD whole text",
        old_writes=("INSERT INTO o VALUES (%(n)s, 7, 'x')", "UPDATE o SET who = 120 WHERE id = %(n)s"),
        new_writes=("INSERT INTO o (id, whole) VALUES (%(n)s, '7 x')", "UPDATE o SET whole = '120 x' WHERE id = %(n)s"),
    ),
    Case(
        id="a table is attached to one that has the key",
        setup=EVENTS
        + """
        CREATE TABLE ev_2 (y int NOT NULL, id int NOT NULL, who int, PRIMARY KEY (y, id));
        INSERT INTO ev_2 SELECT 2, g, g FROM generate_series(1, 200) g;
        """,
        changes="- attach_partition: {table: ev, partition: ev_2, bounds: FOR VALUES FROM (2) TO (3)}",
        plain="ALTER TABLE ev ATTACH PARTITION ev_2 FOR VALUES FROM (2) TO (3)",
        old_writes=("INSERT INTO ev VALUES (1, %(n)s, 7)", "INSERT INTO ev_2 VALUES (2, -%(n)s, 120)"),
        new_writes=("INSERT INTO ev VALUES (2, %(n)s, 160)",),
        untouched=(PARTS,),
    ),
    of_orders(
        "the table becomes a partitioned one",
        "- partition_table: {table: o, by: range, key: [id], partitions: {o_low: {from: 0, to: 100}, o_rest: default}}",
        """
        CREATE TABLE new (LIKE o) PARTITION BY RANGE (id);
        CREATE TABLE o_low PARTITION OF new FOR VALUES FROM (0) TO (100);
        CREATE TABLE o_rest PARTITION OF new DEFAULT;
        DROP TABLE o;
        ALTER TABLE new RENAME TO o;
        ALTER TABLE o ADD PRIMARY KEY (id);
        ALTER TABLE o ADD CONSTRAINT o_fk FOREIGN KEY (who) REFERENCES people ON DELETE SET NULL;
        """,
    ),
    of_orders(
        "the key's column moves to a new table",
        "- split_table: {table: o, to_table: o2, key: {id: o_id}, columns: [who]}",
        """
        CREATE TABLE o2 (o_id int PRIMARY KEY, who int REFERENCES people ON DELETE SET NULL);
        ALTER TABLE o2 ADD FOREIGN KEY (o_id) REFERENCES o ON UPDATE CASCADE ON DELETE CASCADE;
        ALTER TABLE o DROP who;
        """,
        old_writes=("INSERT INTO o (id, who) VALUES (%(n)s, 7)", "UPDATE o SET who = 120 WHERE id = %(n)s"),
        new_writes=(
            "INSERT INTO o (id) VALUES (%(n)s)",
            "INSERT INTO o2 VALUES (%(n)s, 7) ON CONFLICT (o_id) DO UPDATE SET who = 7",
            "UPDATE o2 SET who = 160 WHERE o_id = %(n)s",
        ),
    ),
    Case(
        id="the key's column moves to the table that is referred to",
        setup=ORDERS
        + """
        CREATE TABLE o8 (o_id int PRIMARY KEY REFERENCES o ON DELETE CASCADE, by int REFERENCES people);
        INSERT INTO o8 SELECT id, id FROM o;
        """,
        changes="- merge_tables: {from: o8, into: o, key: {o_id: id}, columns: [by]}",
        plain='ALTER TABLE o ADD "by" int REFERENCES people; DROP TABLE o8',
        old_writes=(
            "INSERT INTO o VALUES (%(n)s)",
            "INSERT INTO o8 VALUES (%(n)s, 7)",
            "UPDATE o8 SET by = 120 WHERE o_id = %(n)s",
        ),
        new_writes=("INSERT INTO o (id) VALUES (%(n)s)", "UPDATE o SET by = 160 WHERE id = %(n)s %% 200 + 1"),
        untouched=(PARTS,),
    ),
    of_orders(
        "the key's column goes",
        "- drop_column: {table: o, column: who}",
        "ALTER TABLE o DROP who",
        new_writes=("INSERT INTO o (id) VALUES (%(n)s)",),
    ),
    of_orders(
        "the table goes",
        "- drop_table: {table: o}",
        "DROP TABLE o",
        old_writes=("INSERT INTO people VALUES (%(n)s)",),
        new_writes=("DELETE FROM people WHERE id = (SELECT max(id) FROM people)",),
    ),
    of_orders(
        "the table gets another name",
        "- rename_table: {from: o, to: ox}",
        "ALTER TABLE o RENAME TO ox",
        new_writes=writes("ox", "who"),
    ),
    of_orders(
        "the key gets another name",
        "- rename_constraint: {table: o, from: o_fk, to: o_of}",
        "ALTER TABLE o RENAME CONSTRAINT o_fk TO o_of",
    ),
    of_orders(
        "the key goes",
        "- drop_constraint: {table: o, name: o_fk}",
        "ALTER TABLE o DROP CONSTRAINT o_fk",
        new_writes=("INSERT INTO o VALUES (%(n)s, 7)",),
    ),
    of_orders(
        "another key comes",
        """
        - add_column: {table: o, name: by, type: int, references: {table: people, column: id}}
        - add_foreign_key: {table: o, name: o_too, columns: [id], references: {table: people}}
        """,
        """
        ALTER TABLE o ADD "by" int REFERENCES people;
        ALTER TABLE o ADD CONSTRAINT o_too FOREIGN KEY (id) REFERENCES people;
        """,
        old_writes=("UPDATE o SET who = 120 WHERE id = %(n)s %% 200 + 1",),
        new_writes=("UPDATE o SET who = 160 WHERE id = %(n)s %% 200 + 1",),
    ),
    Case(
        id="a key that refers and is referred to becomes bigint",
        setup=PEOPLE.replace("id int PRIMARY KEY", "id int, n int, PRIMARY KEY (id, n)").replace(
            "SELECT generate_series(1, 250)", "SELECT g, g FROM generate_series(1, 250) g"
        )
        + """
        CREATE TABLE o (id int PRIMARY KEY, who int, n int,
            CONSTRAINT o_fk FOREIGN KEY (who, n) REFERENCES people ON DELETE CASCADE);
        INSERT INTO o SELECT g, g, g FROM generate_series(1, 200) g;
        """,
        changes="- change_type: {table: people, column: n, to: bigint, follow_references: true}",
        plain="ALTER TABLE people ALTER n TYPE bigint; ALTER TABLE o ALTER n TYPE bigint",
        old_writes=(
            "INSERT INTO people VALUES (%(n)s, 5)",
            "INSERT INTO o VALUES (%(n)s, %(n)s, 5)",
            "UPDATE o SET who = 120, n = 120 WHERE id = %(n)s %% 200 + 1",
            "DELETE FROM people WHERE id = %(n)s",
        ),
        new_writes=(
            "INSERT INTO people VALUES (%(n)s, 5)",
            "INSERT INTO o VALUES (%(n)s, %(n)s, 5)",
            "UPDATE o SET who = 160, n = 160 WHERE id = %(n)s %% 200 + 1",
        ),
        untouched=(PARTS,),
    ),
)
