"""Several changes of one column in one plan: what is set or asked of it comes to the column that stays."""

from __future__ import annotations

from crossfade.workflow.states import State

from ..case import Case
from .add_column import discarding

CASES = (
    Case(
        id="renamed, filled, set and checked",
        setup="""
        CREATE TABLE users (id int PRIMARY KEY, country text DEFAULT 'de', name text);
        CREATE INDEX users_country ON users (country);
        COMMENT ON COLUMN users.country IS 'as typed';
        INSERT INTO users SELECT g, CASE WHEN g % 3 > 0 THEN 'de' END, 'n' || g FROM generate_series(1, 250) g;
        """,
        changes="""
        - rename_column: {table: users, from: country, to: country_code}
        - set_not_null: {table: users, column: country_code, fill: "'??'"}
        - add_check: {table: users, name: short, expression: length(country_code) < 20}
        - set_default: {table: users, column: country_code, value: "'fr'"}
        - set_comment: {table: users, column: country_code, comment: ISO 3166}
        - set_statistics: {table: users, column: country_code, target: 500}
        - set_storage: {table: users, column: country_code, storage: main}
        - create_index: {table: users, name: users_both, columns: [country_code, name]}
        """,
        plain="""
        UPDATE users SET country = '??' WHERE country IS NULL;
        ALTER TABLE users RENAME country TO country_code;
        ALTER TABLE users ALTER country_code SET NOT NULL, ALTER country_code SET DEFAULT 'fr',
            ALTER country_code SET STATISTICS 500, ALTER country_code SET STORAGE main,
            ADD CONSTRAINT short CHECK (length(country_code) < 20);
        COMMENT ON COLUMN users.country_code IS 'ISO 3166';
        CREATE INDEX users_both ON users (country_code, name);
        """,
        old_writes=(
            "INSERT INTO users (id, name) VALUES (%(n)s, 'old')",
            "UPDATE users SET country = NULL WHERE id = %(n)s %% 200 + 1 OR id = %(n)s",
            "INSERT INTO users VALUES (-%(n)s, NULL, 'old')",
            "UPDATE users SET country = 'it' WHERE id = -%(n)s",
            "UPDATE users SET name = 'old' || %(n)s WHERE id = (%(n)s + 7) %% 200 + 1",
        ),
        new_writes=(
            "INSERT INTO users (id, name) VALUES (%(n)s, 'new')",
            "INSERT INTO users (id, country_code, name) VALUES (-%(n)s, 'es', 'new')",
            "UPDATE users SET country_code = 'at' WHERE id = -%(n)s",
            "UPDATE users SET name = 'new' || %(n)s WHERE id = (%(n)s + 7) %% 200 + 1",
        ),
        reads=(("SELECT id, country FROM users ORDER BY id", "SELECT id, country_code FROM users ORDER BY id"),),
        untouched=("SELECT id, country_code, name FROM users WHERE id BETWEEN 201 AND 250 ORDER BY id",),
        checks={State.BACKFILLED: (("SELECT count(*) FROM users WHERE country_code IS NULL", [(0,)]),)},
    ),
    Case(
        id="of another type, set, checked and referring",
        setup="""
        CREATE TABLE cities (id bigint PRIMARY KEY);
        INSERT INTO cities SELECT generate_series(1, 300);
        CREATE TABLE users (id int PRIMARY KEY, city int DEFAULT 7, name text);
        COMMENT ON COLUMN users.city IS 'as typed';
        INSERT INTO users SELECT g, g, 'n' || g FROM generate_series(1, 250) g;
        """,
        changes="""
        - change_type: {table: users, column: city, to: bigint}
        - set_not_null: {table: users, column: city}
        - add_check: {table: users, name: positive, expression: city > 0}
        - add_foreign_key: {table: users, name: lives, columns: [city], references: {table: cities}}
        - set_default: {table: users, column: city, value: "8"}
        - set_comment: {table: users, column: city, comment: of cities}
        - set_statistics: {table: users, column: city, target: 500}
        - create_index: {table: users, name: users_city, columns: [city]}
        """,
        plain="""
        ALTER TABLE users ALTER city TYPE bigint;
        ALTER TABLE users ALTER city SET NOT NULL, ALTER city SET DEFAULT 8, ALTER city SET STATISTICS 500,
            ADD CONSTRAINT positive CHECK (city > 0), ADD CONSTRAINT lives FOREIGN KEY (city) REFERENCES cities;
        COMMENT ON COLUMN users.city IS 'of cities';
        CREATE INDEX users_city ON users (city);
        """,
        old_writes=(
            "INSERT INTO users (id, name) VALUES (%(n)s, 'old')",
            "UPDATE users SET city = id WHERE id = %(n)s %% 200 + 1",
            "INSERT INTO users (id, city, name) VALUES (-%(n)s, 9, 'old')",
        ),
        new_writes=(
            "INSERT INTO users (id, name) VALUES (%(n)s, 'new')",
            "UPDATE users SET city = id + 1 WHERE id = %(n)s %% 200 + 1",
            "INSERT INTO users (id, city, name) VALUES (-%(n)s, 9, 'new')",
        ),
        reads=(("SELECT id, city FROM users ORDER BY id", "SELECT id, city FROM users ORDER BY id"),),
        untouched=("SELECT id, city, name FROM users WHERE id BETWEEN 201 AND 250 ORDER BY id",),
    ),
    Case(
        id="split, set and asked for",
        setup="""
        CREATE TABLE users (id int PRIMARY KEY, name text NOT NULL);
        INSERT INTO users SELECT g, 'n' || g || ' m' || g FROM generate_series(1, 250) g;
        """,
        changes="""
        - split_column:
            table: users
            from: name
            into:
              first: {type: text, using: "split_part(name, ' ', 1)"}
              last: {type: text, using: "split_part(name, ' ', 2)"}
            reverse: first || ' ' || last
        - set_not_null: {table: users, column: first}
        - set_not_null: {table: users, column: last}
        - set_default: {table: users, column: last, value: "''"}
        - set_comment: {table: users, column: last, comment: of the family}
        - add_check: {table: users, name: short, expression: length(first) < 40}
        """,
        plain="""
        ALTER TABLE users ADD first text, ADD last text;
        UPDATE users SET first = split_part(name, ' ', 1), last = split_part(name, ' ', 2);
        ALTER TABLE users DROP name, ALTER first SET NOT NULL, ALTER last SET NOT NULL, ALTER last SET DEFAULT '',
            ADD CONSTRAINT short CHECK (length(first) < 40);
        COMMENT ON COLUMN users.last IS 'of the family';
        """,
        old_writes=(
            "INSERT INTO users (id, name) VALUES (%(n)s, 'old ' || %(n)s)",
            "UPDATE users SET name = 'upd ' || %(n)s WHERE id = %(n)s %% 200 + 1",
        ),
        new_writes=(
            "INSERT INTO users (id, first, last) VALUES (%(n)s, 'new', %(n)s::text)",
            "UPDATE users SET first = 'upd' WHERE id = %(n)s %% 200 + 1",
        ),
        untouched=("SELECT id, first, last FROM users WHERE id BETWEEN 201 AND 250 ORDER BY id",),
    ),
    Case(
        id="added, filled and set",
        setup="""
        CREATE TABLE users (id int PRIMARY KEY, name text);
        INSERT INTO users SELECT g, 'n' || g FROM generate_series(1, 250) g;
        """,
        changes="""
        - add_column: {table: users, name: label, type: text, nullable: false, fill: "'u' || id", default: "'none'"}
        - set_default: {table: users, column: label, value: "'unknown'"}
        - set_comment: {table: users, column: label, comment: for people}
        - set_statistics: {table: users, column: label, target: 500}
        - add_check: {table: users, name: short, expression: length(label) < 40}
        """,
        plain="""
        ALTER TABLE users ADD label text;
        UPDATE users SET label = 'u' || id;
        ALTER TABLE users ALTER label SET NOT NULL, ALTER label SET DEFAULT 'unknown', ALTER label SET STATISTICS 500,
            ADD CONSTRAINT short CHECK (length(label) < 40);
        COMMENT ON COLUMN users.label IS 'for people';
        """,
        old_writes=(
            "INSERT INTO users (id, name) VALUES (%(n)s, 'old')",
            "UPDATE users SET name = 'old' || id WHERE id = %(n)s %% 200 + 1",
        ),
        new_writes=(
            "INSERT INTO users (id, name, label) VALUES (%(n)s, 'new', 'l')",
            "UPDATE users SET label = 'm' WHERE id = %(n)s",
        ),
        untouched=("SELECT id, name, label FROM users WHERE id BETWEEN 201 AND 250 ORDER BY id",),
        rolls_back=discarding,
    ),
)
