"""What a statement changes, by name; what it only reads or points at is not changed."""

from __future__ import annotations

import pytest

from crossfade.postgres.catalog import Catalog, Column, Index, QualifiedName, Table
from crossfade.postgres.changed_objects import changed_by_text
from crossfade.postgres.forecast import Schema

A = QualifiedName("legacy", "a")
NUMBERED, NUMBERS = QualifiedName("billing", "n"), QualifiedName("billing", "n_y_seq")
PART = QualifiedName("archive", "a_2025")
SCHEMA = Schema.of(
    Catalog(
        server_version=160000,
        tables=(
            Table(
                name=A,
                kind="partitioned",
                columns=(Column(name="x", number=1, type="integer"),),
                indexes=(Index(name=QualifiedName("legacy", "a_x"), definition=""),),
                partitions=(PART,),
            ),
            Table(name=PART, partition_parent=A),
            Table(name=NUMBERED, columns=(Column(name="y", number=1, type="integer", owned_sequences=(NUMBERS,)),)),
            Table(name=QualifiedName("public", "b")),
        ),
    )
)
CASES = {
    "ALTER TABLE legacy.a ADD COLUMN y int": {"changes legacy.a", "changes archive.a_2025"},
    "ALTER TABLE ONLY legacy.a ADD COLUMN y int": {"changes legacy.a"},
    "ALTER TABLE legacy.a ATTACH PARTITION b FOR VALUES IN (1)": {"changes legacy.a", "changes public.b"},
    "ALTER TABLE b INHERIT legacy.a": {"changes public.b", "changes legacy.a"},
    "CREATE TABLE c PARTITION OF legacy.a FOR VALUES IN (1)": {"creates public.c", "changes legacy.a"},
    "CREATE TABLE c () INHERITS (legacy.a)": {"creates public.c", "changes legacy.a"},
    "CREATE TABLE c (LIKE legacy.a)": {"creates public.c"},
    "ALTER TABLE b ADD FOREIGN KEY (x) REFERENCES legacy.a": {"changes public.b"},
    "CREATE TABLE legacy.c (x int)": {"creates legacy.c"},
    "CREATE TABLE c AS SELECT * FROM legacy.a": {"creates public.c"},
    "SELECT * INTO legacy.c FROM b": {"creates legacy.c"},
    "SELECT * FROM legacy.a": set(),
    "CREATE INDEX ON legacy.a (x)": {"changes legacy.a", "changes archive.a_2025"},
    "DROP INDEX legacy.a_x": {"changes legacy.a"},
    "ALTER INDEX legacy.a_x RENAME TO z": {"changes legacy.a"},
    "REINDEX INDEX legacy.a_x": {"changes legacy.a", "changes archive.a_2025"},
    "REINDEX TABLE b": {"changes public.b"},
    "REINDEX SCHEMA legacy": {"changes the indexes of legacy"},
    "DROP TABLE legacy.a, b": {"drops legacy.a", "drops archive.a_2025", "drops public.b"},
    "DROP SCHEMA legacy CASCADE": {"drops legacy", "drops archive.a_2025"},
    "DROP SCHEMA legacy": {"drops legacy"},
    "ALTER SCHEMA legacy RENAME TO old": {"renames legacy", "creates old"},
    "CREATE SCHEMA legacy": {"creates legacy"},
    "CREATE EXTENSION citext SCHEMA legacy": {"makes an extension in legacy"},
    "IMPORT FOREIGN SCHEMA far FROM SERVER s INTO legacy": {"makes foreign tables in legacy"},
    "CLUSTER legacy.a": {"changes legacy.a", "changes archive.a_2025"},
    "SECURITY LABEL ON TABLE legacy.a IS 'x'": {"changes legacy.a"},
    "ALTER DEFAULT PRIVILEGES IN SCHEMA legacy GRANT SELECT ON TABLES TO joe": {"changes the default rights in legacy"},
    "ALTER TABLE legacy.a RENAME TO c": {"renames legacy.a", "creates legacy.c"},
    "ALTER TABLE legacy.a RENAME COLUMN x TO y": {"changes legacy.a", "changes archive.a_2025"},
    "ALTER TABLE b SET SCHEMA legacy": {"moves public.b", "creates legacy.b"},
    "ALTER TABLE legacy.a OWNER TO alice": {"changes legacy.a"},
    "CREATE VIEW v AS SELECT * FROM legacy.a": {"creates public.v"},
    "CREATE VIEW legacy.v AS SELECT 1": {"creates legacy.v"},
    "CREATE TRIGGER t AFTER INSERT ON legacy.a FOR EACH ROW EXECUTE FUNCTION f()": {
        "changes legacy.a",
        "changes archive.a_2025",
    },
    "DROP TRIGGER t ON legacy.a": {"changes legacy.a"},
    "CREATE POLICY p ON legacy.a": {"changes legacy.a"},
    "CREATE FUNCTION legacy.f() RETURNS int LANGUAGE sql AS 'SELECT 1'": {"creates legacy.f"},
    "CREATE PROCEDURE p() BEGIN ATOMIC DELETE FROM legacy.a; END": {"creates public.p"},
    "DROP FUNCTION legacy.f(int)": {"drops legacy.f"},
    "ALTER FUNCTION legacy.f() STABLE": {"changes legacy.f"},
    "CREATE TYPE legacy.t AS ENUM ('a')": {"creates legacy.t"},
    "ALTER TYPE legacy.t ADD VALUE 'b'": {"changes legacy.t"},
    "ALTER TYPE legacy.t RENAME TO u": {"renames legacy.t"},
    "ALTER TYPE legacy.t SET SCHEMA public": {"moves legacy.t", "creates public.t"},
    "DROP TYPE legacy.t": {"drops legacy.t"},
    "CREATE DOMAIN legacy.d AS int": {"creates legacy.d"},
    "ALTER DOMAIN legacy.d SET NOT NULL": {"changes legacy.d"},
    "CREATE SEQUENCE legacy.s": {"creates legacy.s"},
    "COMMENT ON TABLE legacy.a IS 'a'": {"changes legacy.a"},
    "COMMENT ON COLUMN legacy.a.x IS 'x'": {"changes legacy.a"},
    "GRANT SELECT ON legacy.a TO alice": {"changes the rights on legacy.a"},
    "GRANT USAGE ON SCHEMA legacy TO alice": {"changes the rights on legacy"},
    "GRANT SELECT ON ALL TABLES IN SCHEMA legacy TO alice": {"changes the rights on legacy"},
    "GRANT EXECUTE ON FUNCTION legacy.f(int) TO alice": {"changes the rights on legacy.f"},
    "TRUNCATE legacy.a": {"deletes the rows of legacy.a", "deletes the rows of archive.a_2025"},
    "INSERT INTO b SELECT * FROM legacy.a": {"writes rows of public.b"},
    "UPDATE legacy.a SET x = 1": {"writes rows of legacy.a", "writes rows of archive.a_2025"},
    "WITH gone AS (DELETE FROM legacy.a RETURNING *) INSERT INTO b SELECT * FROM gone": {
        "writes rows of legacy.a",
        "writes rows of archive.a_2025",
        "writes rows of public.b",
    },
    "COPY legacy.a FROM STDIN": {"writes rows of legacy.a", "writes rows of archive.a_2025"},
    "COPY legacy.a TO STDOUT": set(),
    "CREATE STATISTICS s ON x, y FROM legacy.a": {"creates public.s", "changes legacy.a"},
    "CREATE STATISTICS legacy.s ON x, y FROM b": {"creates legacy.s", "changes public.b"},
    "ALTER TRIGGER t ON legacy.a DEPENDS ON EXTENSION e": {"changes legacy.a"},
    "ALTER FUNCTION legacy.f DEPENDS ON EXTENSION e": {"changes legacy.f"},
    "ALTER EXTENSION e ADD TABLE legacy.a": {"changes legacy.a"},
    "ALTER EXTENSION e SET SCHEMA legacy": {"moves an extension into legacy"},
    "ALTER OPERATOR legacy.+ (int, int) SET (RESTRICT = NONE)": {'changes legacy."+"'},
    "CREATE OPERATOR CLASS legacy.o FOR TYPE int USING btree AS OPERATOR 1 <": {"creates legacy.o"},
    "ALTER TEXT SEARCH DICTIONARY legacy.d (stopwords = english)": {"changes legacy.d"},
    "COMMENT ON CONSTRAINT c ON DOMAIN legacy.d IS 'c'": {"changes legacy.d"},
    "ALTER TABLE ALL IN TABLESPACE t SET TABLESPACE u": {
        "changes legacy.a",
        "changes archive.a_2025",
        "changes public.b",
        "changes billing.n",
    },
    "SELECT setval('legacy.s'::regclass, 7)": {"sets the numbers of legacy.s"},
    "SELECT setval(pg_get_serial_sequence('legacy.a', 'x'), max(x)) FROM legacy.a": {"sets the numbers of legacy.a"},
    "SELECT setval(name, 7) FROM b": set(),
    "SELECT setval('billing.n_y_seq', 7)": {"sets the numbers of billing.n_y_seq", "changes billing.n"},
    "ALTER SEQUENCE billing.n_y_seq RESTART": {"changes billing.n_y_seq", "changes billing.n"},
    "ALTER SEQUENCE billing.n_y_seq OWNER TO joe": {"changes billing.n_y_seq", "changes billing.n"},
    "ALTER SEQUENCE billing.n_y_seq RENAME TO z": {
        "renames billing.n_y_seq",
        "creates billing.z",
        "changes billing.n",
    },
    "DROP SEQUENCE billing.n_y_seq CASCADE": {"drops billing.n_y_seq", "changes billing.n"},
    "not SQL": set(),
}


@pytest.mark.parametrize(("statement", "expected"), CASES.items(), ids=CASES)
def test_what_a_statement_changes(statement: str, expected: set[str]) -> None:
    assert {f"{changed.does} {changed}" for changed in changed_by_text(SCHEMA, statement)} == expected
