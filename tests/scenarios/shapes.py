"""Tables of every shape that a rename has to take: what makes them, what is renamed, and what plain DDL would be."""

from __future__ import annotations

from dataclasses import dataclass

LONG = "a_column_whose_name_is_as_long_as_postgresql_lets_any_name_be_63"
LONG_NEW = "b_column_whose_name_is_as_long_as_postgresql_lets_any_name_be_63"
assert len(LONG) == len(LONG_NEW) == 63 + 1
LONG, LONG_NEW = LONG[:63], LONG_NEW[:63]


@dataclass(frozen=True, kw_only=True)
class Shape:
    """One table: `setup` makes it with rows, `old` becomes `new`; names stand as the plan has them."""

    id: str
    setup: str
    table: str = "users"
    old: str = "email"
    new: str = "email_address"
    acks: tuple[str, ...] = ()
    oldest: int = 14
    """The first major version of PostgreSQL that knows the shape."""
    relation: str | None = None
    """The table in SQL's quoting, where it differs from `table`."""

    @property
    def sql_table(self) -> str:
        return self.relation or self.table

    @property
    def plain_rename(self) -> str:
        return f"ALTER TABLE {self.sql_table} RENAME COLUMN {quoted(self.old)} TO {quoted(self.new)}"


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


SHAPES = (
    Shape(
        id="everything",
        setup="""
        CREATE TABLE accounts (id int PRIMARY KEY);
        INSERT INTO accounts SELECT generate_series(1, 50);
        CREATE ROLE shape_reader; CREATE ROLE shape_writer;
        CREATE TABLE users (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            email varchar(80) COLLATE "C" NOT NULL DEFAULT 'nobody@example.org' CHECK (email LIKE '%@%')
                CONSTRAINT users_email_unique UNIQUE,
            name text,
            account int,
            CONSTRAINT email_of_account UNIQUE (account, email),
            CONSTRAINT short_or_named CHECK (length(email) < 60 OR name IS NOT NULL)
        );
        CREATE INDEX users_partial ON users (name) WHERE email IS NOT NULL AND email <> 'email';
        CREATE INDEX users_expression ON users (lower(email), (email || name)) INCLUDE (account);
        CREATE INDEX users_pattern ON users (email varchar_pattern_ops DESC NULLS LAST) WITH (fillfactor = 70);
        COMMENT ON COLUMN users.email IS 'where to write to';
        COMMENT ON INDEX users_expression IS 'search';
        COMMENT ON CONSTRAINT users_email_unique ON users IS 'one each';
        GRANT SELECT (email), UPDATE (email) ON users TO shape_reader WITH GRANT OPTION;
        GRANT INSERT (email, name) ON users TO shape_writer;
        ALTER TABLE users ALTER email SET STATISTICS 250, ALTER email SET STORAGE EXTERNAL,
            ALTER email SET (n_distinct = -0.9);
        INSERT INTO users (email, name, account)
            SELECT g || '@x.org', 'n' || g, g % 50 + 1 FROM generate_series(1, 300) g;
        """,
    ),
    Shape(
        id="foreign key out",
        old="account",
        new="account_id",
        setup="""
        CREATE TABLE accounts (id int PRIMARY KEY);
        INSERT INTO accounts SELECT generate_series(1, 50);
        CREATE TABLE users (id int PRIMARY KEY,
            account int NOT NULL REFERENCES accounts ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED);
        INSERT INTO users SELECT g, g % 50 + 1 FROM generate_series(1, 300) g;
        """,
    ),
    Shape(
        id="quoted names of 63 bytes",
        table='\'"Odd ""Schema"".x"."ĉefa tabelo"\'',
        relation='"Odd ""Schema"".x"."ĉefa tabelo"',
        old=LONG,
        new=LONG_NEW,
        setup=f"""
        CREATE SCHEMA "Odd ""Schema"".x";
        CREATE TABLE "Odd ""Schema"".x"."ĉefa tabelo" ("Id" int PRIMARY KEY, {LONG} text NOT NULL UNIQUE);
        CREATE INDEX "an index %s {{}} 'name'" ON "Odd ""Schema"".x"."ĉefa tabelo" (({LONG} || '%s'));
        INSERT INTO "Odd ""Schema"".x"."ĉefa tabelo" SELECT g, 'v' || g FROM generate_series(1, 100) g;
        """,
    ),
    Shape(
        id="names that need quotes",
        old='Say "%s" {x}',
        new="it's; DROP TABLE users; --",
        setup="""
        CREATE TABLE users (id int PRIMARY KEY, "Say ""%s"" {x}" text DEFAULT '{%s}');
        INSERT INTO users SELECT g, 'v' || g FROM generate_series(1, 100) g;
        """,
    ),
    Shape(
        id="composite key",
        setup="""
        CREATE TABLE users (tenant text COLLATE "C", number int, email text, PRIMARY KEY (tenant, number));
        INSERT INTO users SELECT 't' || g % 7, g, 'e' || g FROM generate_series(1, 500) g;
        """,
    ),
    Shape(
        id="uuid key",
        setup="""
        CREATE TABLE users (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), email text);
        INSERT INTO users (email) SELECT 'e' || g FROM generate_series(1, 500) g;
        """,
    ),
    Shape(
        id="no key",
        setup="""
        CREATE TABLE users (email text, name text);
        INSERT INTO users SELECT 'e' || g, 'n' FROM generate_series(1, 500) g;
        """,
    ),
    Shape(
        id="the primary key itself, with identity and references to it",
        old="id",
        new="user_id",
        acks=("dependents",),
        setup="""
        CREATE TABLE users (id bigint GENERATED BY DEFAULT AS IDENTITY (START 1000 INCREMENT 5) PRIMARY KEY, name text);
        CREATE TABLE posts (author bigint REFERENCES users ON UPDATE CASCADE);
        INSERT INTO users (name) SELECT 'n' || g FROM generate_series(1, 300) g;
        INSERT INTO posts SELECT id FROM users;
        """,
    ),
    Shape(
        id="serial",
        old="id",
        new="user_id",
        setup="""
        CREATE TABLE users (id serial PRIMARY KEY, name text);
        INSERT INTO users (name) SELECT 'n' || g FROM generate_series(1, 300) g;
        """,
    ),
    Shape(
        id="replica identity",
        setup="""
        CREATE TABLE users (id int PRIMARY KEY, email text NOT NULL);
        CREATE UNIQUE INDEX users_identity ON users (email);
        ALTER TABLE users REPLICA IDENTITY USING INDEX users_identity;
        ALTER TABLE users CLUSTER ON users_identity;
        INSERT INTO users SELECT g, 'e' || g FROM generate_series(1, 100) g;
        """,
    ),
    Shape(
        id="nulls not distinct",
        oldest=15,
        setup="""
        CREATE TABLE users (id int PRIMARY KEY, email text UNIQUE NULLS NOT DISTINCT, name text);
        CREATE UNIQUE INDEX users_nnd ON users (email, name) NULLS NOT DISTINCT WITH (fillfactor = 80) WHERE id > 5;
        INSERT INTO users SELECT g, nullif(g, 7)::text FROM generate_series(1, 100) g;
        """,
    ),
    Shape(
        id="partitioned",
        setup="""
        CREATE TABLE users (id int, email text NOT NULL, region text NOT NULL, PRIMARY KEY (id, region),
            UNIQUE (email, region, id)) PARTITION BY LIST (region);
        CREATE TABLE users_eu PARTITION OF users FOR VALUES IN ('eu');
        CREATE TABLE users_us PARTITION OF users FOR VALUES IN ('us') PARTITION BY HASH (id);
        CREATE TABLE users_us_0 PARTITION OF users_us FOR VALUES WITH (MODULUS 2, REMAINDER 0);
        CREATE TABLE users_us_1 PARTITION OF users_us FOR VALUES WITH (MODULUS 2, REMAINDER 1);
        CREATE TABLE users_rest PARTITION OF users DEFAULT;
        CREATE INDEX users_lower ON users (lower(email));
        CREATE INDEX only_eu ON users_eu (email);
        INSERT INTO users SELECT g, 'e' || g, (ARRAY['eu', 'us', 'as'])[g % 3 + 1] FROM generate_series(1, 600) g;
        """,
    ),
    Shape(
        id="inheritance",
        setup="""
        CREATE TABLE users (id int PRIMARY KEY, email text NOT NULL CHECK (email <> ''));
        CREATE TABLE admins (level int) INHERITS (users);
        CREATE INDEX admins_email ON admins (email);
        INSERT INTO users SELECT g, 'e' || g FROM generate_series(1, 100) g;
        INSERT INTO admins SELECT g, 'a' || g, 1 FROM generate_series(101, 200) g;
        """,
    ),
    Shape(id="no rows", setup="CREATE TABLE users (id int PRIMARY KEY, email text NOT NULL UNIQUE);"),
    Shape(
        id="nulls",
        setup="""
        CREATE TABLE users (id int PRIMARY KEY, email text);
        INSERT INTO users SELECT g, CASE WHEN g % 2 = 0 THEN 'e' || g END FROM generate_series(1, 300) g;
        """,
    ),
    Shape(
        id="nulls with a default",
        setup="""
        CREATE TABLE users (id int PRIMARY KEY, email text DEFAULT 'none');
        INSERT INTO users
            SELECT g, CASE g % 3 WHEN 0 THEN 'e' || g WHEN 1 THEN 'none' END FROM generate_series(1, 300) g;
        """,
    ),
    Shape(
        id="enum",
        setup="""
        CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
        CREATE TABLE users (id int PRIMARY KEY, email mood NOT NULL DEFAULT 'ok');
        INSERT INTO users SELECT g, (ARRAY['sad', 'ok', 'happy'])[g % 3 + 1]::mood FROM generate_series(1, 300) g;
        """,
    ),
    Shape(
        id="jsonb",
        setup="""
        CREATE TABLE users (id int PRIMARY KEY, email jsonb DEFAULT '{}');
        CREATE INDEX users_gin ON users USING gin (email jsonb_path_ops) WITH (fastupdate = off);
        INSERT INTO users SELECT g, jsonb_build_object('n', g, 'x', 1.0) FROM generate_series(1, 300) g;
        """,
    ),
    Shape(
        id="json, which has no equality",
        setup="""
        CREATE TABLE users (id int PRIMARY KEY, email json);
        INSERT INTO users SELECT g, '{"a":  1}' FROM generate_series(1, 300) g;
        """,
    ),
    Shape(
        id="array",
        setup="""
        CREATE TABLE users (id int PRIMARY KEY, email numeric(6, 2)[] NOT NULL);
        INSERT INTO users SELECT g, ARRAY[g, 1.50, NULL] FROM generate_series(1, 300) g;
        """,
    ),
    Shape(
        id="domain",
        setup="""
        CREATE DOMAIN address AS text CHECK (VALUE LIKE '%@%');
        CREATE TABLE users (id int PRIMARY KEY, email address NOT NULL UNIQUE);
        INSERT INTO users SELECT g, g || '@x' FROM generate_series(1, 300) g;
        """,
    ),
    Shape(
        id="case-insensitive text",
        setup="""
        CREATE COLLATION case_insensitive (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
        CREATE TABLE users (id int PRIMARY KEY, email text COLLATE case_insensitive NOT NULL UNIQUE);
        INSERT INTO users SELECT g, 'E' || g FROM generate_series(1, 300) g;
        """,
    ),
    Shape(
        id="views, policies and generated columns on top",
        acks=("dependents",),
        setup="""
        CREATE TABLE users (id int PRIMARY KEY, email text NOT NULL,
            domain text GENERATED ALWAYS AS (split_part(email, '@', 2)) STORED);
        CREATE VIEW addresses AS SELECT id, email FROM users WHERE email <> '';
        CREATE MATERIALIZED VIEW domains AS SELECT DISTINCT email FROM users;
        CREATE POLICY mine ON users USING (email = current_user);
        ALTER TABLE users ENABLE ROW LEVEL SECURITY;
        CREATE STATISTICS users_both ON id, email FROM users;
        CREATE RULE no_delete AS ON DELETE TO users WHERE old.email = 'root' DO INSTEAD NOTHING;
        INSERT INTO users SELECT g, g || '@x' FROM generate_series(1, 300) g;
        """,
    ),
    Shape(
        id="exclusion",
        old="during",
        new="booked",
        setup="""
        CREATE TABLE users (id int PRIMARY KEY, during int4range NOT NULL, EXCLUDE USING gist (during WITH &&));
        INSERT INTO users SELECT g, int4range(g * 10, g * 10 + 5) FROM generate_series(1, 300) g;
        """,
    ),
    Shape(
        id="deferrable unique",
        old="place",
        new="position",
        setup="""
        CREATE TABLE users (id int PRIMARY KEY, place int NOT NULL UNIQUE DEFERRABLE INITIALLY IMMEDIATE);
        INSERT INTO users SELECT g, g FROM generate_series(1, 300) g;
        """,
    ),
    Shape(
        id="updated_at, set by a trigger",
        setup="""
        CREATE TABLE users (id int PRIMARY KEY, email text NOT NULL, updated_at timestamptz NOT NULL DEFAULT now());
        CREATE FUNCTION set_updated_at() RETURNS trigger LANGUAGE plpgsql
            AS 'BEGIN NEW.updated_at := now(); RETURN NEW; END';
        CREATE TRIGGER set_updated_at BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION set_updated_at();
        COMMENT ON TRIGGER set_updated_at ON users IS 'for the sync job';
        INSERT INTO users SELECT g, 'e' || g FROM generate_series(1, 300) g;
        """,
    ),
    Shape(
        id="updated_at, set by a trigger on one partition",
        table="people",
        setup="""
        CREATE TABLE people (id int, email text, "Changed" date) PARTITION BY RANGE (id);
        CREATE TABLE people_1 PARTITION OF people FOR VALUES FROM (0) TO (100);
        CREATE TABLE people_2 PARTITION OF people FOR VALUES FROM (100) TO (1000);
        CREATE FUNCTION changed() RETURNS trigger LANGUAGE plpgsql
            AS 'BEGIN NEW."Changed" = current_date; RETURN NEW; END';
        CREATE TRIGGER changed BEFORE UPDATE ON people_2 FOR EACH ROW EXECUTE FUNCTION changed();
        CREATE TRIGGER audited AFTER UPDATE ON people FOR EACH ROW WHEN (NEW.id = 7) EXECUTE FUNCTION changed();
        INSERT INTO people SELECT g, 'e' || g, '2020-02-02' FROM generate_series(1, 300) g;
        """,
    ),
    Shape(
        id="updated_at of a parent and of its child, by moddatetime",
        setup="""
        CREATE EXTENSION moddatetime;
        CREATE TABLE users (id int PRIMARY KEY, email text, updated_at timestamptz DEFAULT now());
        CREATE TABLE admins (seen timestamptz) INHERITS (users);
        CREATE TRIGGER parent BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION moddatetime(updated_at);
        CREATE TRIGGER child BEFORE UPDATE ON admins FOR EACH ROW EXECUTE FUNCTION moddatetime(seen);
        INSERT INTO users SELECT g, 'e' || g FROM generate_series(1, 100) g;
        INSERT INTO admins SELECT g, 'a' || g FROM generate_series(101, 200) g;
        """,
    ),
    Shape(
        id="updated_at itself",
        old="updated_at",
        new="modified_at",
        acks=("triggers",),
        setup="""
        CREATE TABLE users (id int PRIMARY KEY, email text, updated_at timestamptz DEFAULT '2020-02-02 00:00+00');
        CREATE FUNCTION set_updated_at() RETURNS trigger LANGUAGE plpgsql
            AS 'BEGIN NEW.updated_at := now(); RETURN NEW; END';
        CREATE TRIGGER set_updated_at BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION set_updated_at();
        INSERT INTO users SELECT g, 'e' || g FROM generate_series(1, 100) g;
        """,
    ),
)
