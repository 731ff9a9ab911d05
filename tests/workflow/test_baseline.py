"""What somebody else changes on a table of a run is noticed before its next step: told, or noted where it is apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from psycopg import sql

from crossfade import Engine
from crossfade.errors import BaselineChanged, WrongState
from crossfade.observe.events import StepDone, StepStarted, TableChanged
from crossfade.operations.step import Part, Phase, Step
from crossfade.plan.load import parse_plan
from crossfade.postgres.connect import connect
from crossfade.postgres.statement import Statement
from crossfade.workflow import baseline, ledger
from crossfade.workflow.affected_names import columns_of, left_by
from crossfade.workflow.program import from_json
from crossfade.workflow.session import Session
from crossfade.workflow.states import State

from ..fixtures.database import fresh_database
from ..fixtures.long import few_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from crossfade.observe.events import Event
    from crossfade.plan.model import Plan

    from ..fixtures.command import Cli
    from ..fixtures.database import Database
    from ..fixtures.servers import Server

PLAIN = """
CREATE TABLE users (id int PRIMARY KEY, email varchar(40) NOT NULL DEFAULT 'x', nick text, age int,
                    CONSTRAINT adult CHECK (age >= 18), CONSTRAINT filled CHECK (email <> ''));
CREATE INDEX users_email_idx ON users (email);
CREATE INDEX users_nick_idx ON users (nick);
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER audit AFTER INSERT ON users FOR EACH STATEMENT EXECUTE FUNCTION nothing();
CREATE POLICY mine ON users USING (age > 1);
INSERT INTO users SELECT g, g || '@x', 'n' || g, 20 FROM generate_series(1, 20) g;
"""
PARTED = """
CREATE TABLE users (id int, email text, nick text) PARTITION BY RANGE (id);
CREATE TABLE users_1 PARTITION OF users FOR VALUES FROM (1) TO (11);
CREATE TABLE users_2 PARTITION OF users FOR VALUES FROM (11) TO (21);
CREATE INDEX users_email_idx ON users (email);
INSERT INTO users SELECT g, g || '@x', 'n' || g FROM generate_series(1, 20) g;
"""
CHILDREN = """
CREATE TABLE users (id int PRIMARY KEY, email text, nick text);
CREATE TABLE guests (PRIMARY KEY (id), host int) INHERITS (users);
CREATE INDEX users_email_idx ON users (email); CREATE INDEX guests_email_idx ON guests (email);
INSERT INTO users SELECT g, g || '@x', 'n' || g FROM generate_series(1, 10) g;
INSERT INTO guests SELECT g, g || '@x', 'n' || g FROM generate_series(11, 20) g;
"""


def plan_of(name: str = "the-rename", *, old: str = "email", new: str = "address", retain: str = "0s") -> Plan:
    return parse_plan(
        f"crossfade: 1\nname: {name}\nretain: {retain}\n"
        f"changes:\n  - rename_column: {{table: users, from: {old}, to: {new}}}\n",
        "plan.yaml",
    )


PLAN = plan_of()
RUN = PLAN.name


def expand(database: Database, setup: str) -> None:
    database.execute(setup)
    with Engine(database.url) as engine:
        engine.expand(PLAN)


def contract(database: Database, *, emit: Callable[[Event], None] = lambda _event: None) -> State:
    """From wherever the run is to the end."""
    with Engine(database.url, emit=emit) as engine:
        engine.advance(RUN, to=State.BACKFILLED)
        engine.approve(RUN, Phase.CONTRACT, "alice")
        return engine.contract(RUN).state


def history(database: Database, kind: str) -> list[Any]:
    rows = database.execute("SELECT data FROM crossfade.events WHERE kind = %s ORDER BY id", [kind])
    return [data for (data,) in rows]


@pytest.mark.long
@pytest.mark.alike
@pytest.mark.parametrize("setup", few_of((PLAIN, PARTED, CHILDREN), {PARTED}), ids=["plain", "partitioned", "children"])
def test_what_our_own_steps_change_is_nobody_elses_doing(database: Database, setup: str) -> None:
    database.execute(setup)
    with Engine(database.url) as engine:
        engine.advance(plan_of(retain="1d"), to=State.BACKFILLED)
        engine.approve(RUN, Phase.CONTRACT, "alice")
        assert engine.contract(RUN).state is State.RETAINED
        engine.revert(RUN)
        assert engine.rollback(RUN).state is State.ROLLED_BACK
        engine.start(PLAN)
    assert contract(database) is State.CONTRACTED
    assert history(database, "table_changed") == []


STOPPING = [
    (
        "ALTER TABLE users DROP COLUMN nick",
        ["column public.users.nick was dropped", "index users_nick_idx on public.users was dropped"],
    ),
    (
        "ALTER TABLE users ALTER nick TYPE varchar(20)",
        ["column public.users.nick: type text became character varying(20)"],
    ),
    ("ALTER TABLE users RENAME nick TO handle", ["column public.users.nick was renamed to handle"]),
    ("ALTER TABLE users ALTER email DROP NOT NULL", ["column public.users.email may be NULL now"]),
    ("ALTER TABLE users ALTER nick SET NOT NULL", ["column public.users.nick is NOT NULL now"]),
    (
        "ALTER TABLE users ALTER email DROP DEFAULT",
        ["column public.users.email: default 'x'::character varying became none"],
    ),
    (
        "ALTER TABLE users ALTER nick SET STORAGE EXTERNAL",
        ["column public.users.nick: storage extended became external"],
    ),
    ('ALTER TABLE users ALTER nick TYPE text COLLATE "C"', ['column public.users.nick: collation none became "C"']),
    (
        "ALTER TABLE users ALTER id ADD GENERATED ALWAYS AS IDENTITY",
        ["column public.users.id: identity none became always"],
    ),
    (
        "ALTER TABLE users ADD shout text GENERATED ALWAYS AS (upper(email)) STORED",
        ["column public.users.shout was added"],
    ),
    ("DROP INDEX users_email_idx", ["index users_email_idx on public.users was dropped"]),
    ("CREATE INDEX more ON users (lower(email))", ["index more on public.users was added"]),
    ("CREATE INDEX more ON users (nick) WHERE email <> ''", ["index more on public.users was added"]),
    ("CREATE INDEX more ON users ((users IS NULL))", ["index more on public.users was added"]),
    ("ALTER TABLE users ADD CONSTRAINT at CHECK (email LIKE '%@%')", ["constraint at on public.users was added"]),
    ("ALTER TABLE users DROP CONSTRAINT filled", ["constraint filled on public.users was dropped"]),
    ("ALTER TABLE users DROP CONSTRAINT users_pkey", ["constraint users_pkey on public.users was dropped"]),
    (
        "ALTER TABLE users DROP CONSTRAINT adult, ADD CONSTRAINT adult CHECK (age > 19)",
        ["constraint adult on public.users: definition CHECK ((age >= 18)) became CHECK ((age > 19))"],
    ),
    (
        "ALTER TABLE users ADD UNIQUE (email); CREATE TABLE letters (receiver text REFERENCES users (email))",
        [
            "constraint users_email_key on public.users was added",
            "foreign key letters_receiver_fkey from public.letters to public.users was added",
        ],
    ),
    ("ALTER TABLE users DISABLE TRIGGER audit", ["trigger audit on public.users is disabled now"]),
    (
        "CREATE TRIGGER second AFTER DELETE ON users FOR EACH STATEMENT EXECUTE FUNCTION nothing()",
        ["trigger second on public.users was added"],
    ),
    ("CREATE POLICY ours ON users USING (true)", ["policy ours on public.users was added"]),
    ("DROP POLICY mine ON users", ["policy mine on public.users was dropped"]),
    ("ALTER TABLE users ENABLE ROW LEVEL SECURITY", ["table public.users: row security is on now"]),
    (
        "ALTER TABLE users REPLICA IDENTITY FULL",
        ["table public.users: replica identity the primary key became the whole row"],
    ),
    ("CREATE RULE log AS ON UPDATE TO users DO ALSO NOTIFY log", ["rule log on public.users was added"]),
    ("ALTER TABLE users RENAME TO people", ["table public.users was renamed to public.people"]),
    ("CREATE SCHEMA old; ALTER TABLE users SET SCHEMA old", ["table public.users was renamed to old.users"]),
    ("DROP TABLE users CASCADE", ["table public.users was dropped"]),
    ("CREATE TABLE guests () INHERITS (users)", ["child public.guests was attached to public.users"]),
]


@pytest.fixture(scope="module")
def between_steps(server: Server) -> Iterator[Session]:
    """A run that is expanded, in a database of its own, as its runner sees it."""
    with fresh_database(server) as database:
        expand(database, PLAIN)
        with connect(database.url) as work:
            run = ledger.get_run(work, RUN)
            yield Session(
                connect=lambda: connect(database.url),
                work=work,
                run_id=run.id,
                name=RUN,
                digest=run.digest,
                created_at=run.created_at,
                plan=PLAN,
                program=from_json(run.program),
                token=run.token,
                emit=lambda _event: None,
                should_stop=lambda: None,
                confirm=lambda _what: None,
            )


@pytest.mark.every_server
@pytest.mark.parametrize(("change", "words"), STOPPING, ids=[change for change, _ in STOPPING])
def test_a_change_between_two_steps_is_told_in_words(between_steps: Session, change: str, words: list[str]) -> None:
    step = between_steps.program.steps[1]
    with between_steps.work.transaction(force_rollback=True):
        between_steps.work.execute("SET LOCAL search_path = public")
        between_steps.work.execute(change.encode())
        between_steps.work.execute("SET LOCAL search_path = pg_catalog")
        with pytest.raises(BaselineChanged) as stopped:
            baseline.check(between_steps, step)
    assert list(stopped.value.changes) == words
    with between_steps.work.transaction():
        assert baseline.check(between_steps, step) == ()


def test_a_change_between_two_steps_stops_the_run(database: Database) -> None:
    expand(database, PLAIN)

    def meanwhile(event: Event) -> None:
        if isinstance(event, StepStarted) and "/index/" in event.step:
            database.execute("DROP INDEX users_email_idx; ALTER TABLE users DISABLE TRIGGER audit")

    with Engine(database.url, emit=meanwhile) as engine:
        with pytest.raises(BaselineChanged) as stopped:
            engine.advance(RUN, to=State.BACKFILLED)
        status = engine.status(RUN)
    words = ["index users_email_idx on public.users was dropped", "trigger audit on public.users is disabled now"]
    assert (stopped.value.exit_code, stopped.value.location) == (5, "1.rename_column/index/users_email_idx")
    assert (status.state, status.failed) == (State.BACKFILLING, stopped.value.as_json())
    assert "; ".join(words) in stopped.value.message
    assert list(stopped.value.changes) == words
    # It was not begun, so the way back has nothing of it to take away.
    assert database.execute("SELECT state FROM crossfade.steps WHERE id LIKE '%index%'") == []


def test_what_happens_to_partitions_is_told_once(database: Database) -> None:
    expand(database, PARTED)
    database.execute(
        "ALTER TABLE users ALTER nick SET NOT NULL; ALTER TABLE users_2 ALTER nick SET DEFAULT 'none';"
        "ALTER TABLE users DETACH PARTITION users_1"
    )
    with Engine(database.url) as engine, pytest.raises(BaselineChanged) as stopped:
        engine.advance(RUN, to=State.BACKFILLED)
    assert sorted(stopped.value.changes) == [
        "column public.users.nick is NOT NULL now",
        "column public.users_2.nick: default none became 'none'::text",
        "partition public.users_1 was detached from public.users",
    ]


APART = """
ALTER TABLE users ADD COLUMN born date;
ALTER TABLE users ADD CONSTRAINT born_at_all CHECK (born > '1900-01-01') NOT VALID;
CREATE INDEX users_born_idx ON users (born);
"""


@pytest.mark.long
@pytest.mark.every_server
@pytest.mark.parametrize("setup", few_of((PLAIN, PARTED), {PARTED}), ids=["plain", "partitioned"])
def test_what_is_new_and_apart_from_the_plan_is_noted_and_the_run_goes_on(database: Database, setup: str) -> None:
    expand(database, setup)
    seen: list[Event] = []
    once = [APART]

    def meanwhile(event: Event) -> None:
        seen.append(event)
        if once and isinstance(event, StepStarted) and "/index/" in event.step:
            database.execute(once.pop())

    with Engine(database.url, emit=meanwhile) as engine:
        engine.advance(RUN, to=State.BACKFILLED)
    words = [
        "column public.users.born was added",
        "constraint born_at_all on public.users was added",
        "index users_born_idx on public.users was added",
    ]
    (noted,) = history(database, "table_changed")
    assert (noted["step"], noted["changes"]) == ("1.rename_column/index/users_email_idx", words)
    assert [list(event.changes) for event in seen if isinstance(event, TableChanged)] == [words]
    database.execute("ALTER TABLE users VALIDATE CONSTRAINT born_at_all")
    assert contract(database) is State.CONTRACTED
    assert history(database, "table_changed")[1:] == [
        {"changes": ["constraint born_at_all on public.users is validated now"]}
    ]


@pytest.mark.long
def test_taking_away_what_refuses_rows_of_the_backfill_is_noted(database: Database) -> None:
    expand(database, PLAIN)
    database.execute("ALTER TABLE users DROP CONSTRAINT adult; DROP TRIGGER audit ON users")
    assert contract(database) is State.CONTRACTED
    (noted,) = history(database, "table_changed")
    assert noted["changes"] == [
        "constraint adult on public.users was dropped",
        "trigger audit on public.users was dropped",
    ]


def test_a_trigger_of_ours_that_is_gone_stops_the_run(database: Database) -> None:
    expand(database, PLAIN)
    ((name,),) = database.execute("SELECT tgname FROM pg_trigger WHERE tgname LIKE '~crossfade%insert'")
    database.execute(sql.SQL("DROP TRIGGER {} ON users").format(sql.Identifier(name)))
    with Engine(database.url) as engine, pytest.raises(BaselineChanged) as stopped:
        engine.advance(RUN, to=State.BACKFILLED)
    assert stopped.value.changes == (f'trigger "{name}" on public.users was dropped',)


@pytest.mark.long
def test_a_new_partition_is_taken_in_before_rows_are_compared(database: Database) -> None:
    expand(database, PARTED)
    database.execute("CREATE TABLE users_3 PARTITION OF users FOR VALUES FROM (21) TO (31)")
    assert contract(database) is State.CONTRACTED
    (noted,) = history(database, "table_changed")
    assert noted["changes"] == ["partition public.users_3 was attached to public.users"]


@pytest.mark.long
def test_a_partition_that_comes_after_the_comparison_stops_the_hiding_until_the_next_one(database: Database) -> None:
    expand(database, PARTED)

    def meanwhile(event: Event) -> None:
        if isinstance(event, StepStarted) and event.step.endswith("/hide"):
            database.execute("CREATE TABLE IF NOT EXISTS users_3 PARTITION OF users FOR VALUES FROM (21) TO (31)")

    with pytest.raises(BaselineChanged, match=r"partition public\.users_3 was attached"):
        contract(database, emit=meanwhile)
    with Engine(database.url) as engine:
        assert engine.contract(RUN).state is State.CONTRACTED


@pytest.mark.long
def test_a_change_while_the_step_waits_for_its_locks_is_noticed(database: Database) -> None:
    expand(database, PLAIN)
    other = database.connect()

    def meanwhile(event: Event) -> None:
        """A migration that has the table when the step wants it, and commits as soon as the step has to wait."""
        if isinstance(event, StepStarted) and event.step.endswith("/hide"):
            other.execute("ALTER TABLE users ALTER nick TYPE varchar(90)")
        elif event.kind == "lock_waited":
            other.commit()

    with pytest.raises(BaselineChanged, match="type text became") as stopped:
        contract(database, emit=meanwhile)
    assert stopped.value.location == "1.rename_column/hide"


@pytest.mark.long
def test_undoing_the_change_lets_the_same_command_go_on(database: Database) -> None:
    expand(database, PLAIN)
    database.execute("ALTER TABLE users DROP COLUMN nick")
    with Engine(database.url) as engine:
        with pytest.raises(BaselineChanged):
            engine.advance(RUN, to=State.BACKFILLED)
        database.execute("ALTER TABLE users ADD COLUMN nick text; CREATE INDEX users_nick_idx ON users (nick)")
        assert engine.advance(RUN, to=State.BACKFILLED).failed is None
    assert history(database, "table_changed") == []


@pytest.mark.long
def test_a_person_may_accept_the_change(database: Database, cli: Cli) -> None:
    expand(database, PLAIN)
    database.execute("ALTER TABLE users ALTER nick TYPE varchar(90)")
    words = "column public.users.nick: type text became character varying(90)"
    said = cli("backfill", RUN)
    assert said.code == 5
    assert words in said.stderr
    assert f"crossfade resume {RUN} --accept-changes" in said.stderr.replace("\n", " ")
    accepted = cli("resume", RUN, "--accept-changes", "--json", env={"CROSSFADE_ACTOR": "anna"})
    assert (accepted.code, accepted.json()["failed"]) == (0, None)
    assert history(database, "changes_accepted") == [{"changes": [words], "by": "anna"}]
    assert cli("resume", RUN, "--accept-changes").code == 5
    assert contract(database) is State.CONTRACTED


def test_accepting_lets_a_paused_run_go_on_as_well(database: Database) -> None:
    expand(database, PLAIN)
    database.execute("ALTER TABLE users DROP COLUMN nick")
    with Engine(database.url) as engine:
        engine.pause(RUN, "a look at it first")
        assert engine.accept_changes(RUN).paused is None


@pytest.mark.parametrize("change", ["DROP TABLE users", "ALTER TABLE users RENAME TO people"])
def test_a_table_that_is_not_there_cannot_be_accepted(database: Database, change: str) -> None:
    expand(database, PLAIN)
    database.execute(change)
    with Engine(database.url) as engine, pytest.raises(WrongState, match="cannot be accepted"):
        engine.accept_changes(RUN)


@pytest.mark.long
def test_rolling_back_does_not_ask_and_notes_what_it_finds(database: Database) -> None:
    expand(database, PLAIN)
    database.execute("ALTER TABLE users ALTER nick TYPE varchar(90)")
    with Engine(database.url) as engine:
        assert engine.rollback(RUN).state is State.ROLLED_BACK
        assert engine.orphans() == ()
    (noted,) = history(database, "table_changed")
    assert noted["changes"] == ["column public.users.nick: type text became character varying(90)"]


@pytest.mark.long
def test_rolling_back_works_without_a_partition_that_was_dropped(database: Database) -> None:
    expand(database, PARTED)
    with Engine(database.url) as engine:
        engine.advance(RUN, to=State.BACKFILLED)
        database.execute("DROP TABLE users_1")
        engine.approve(RUN, Phase.CONTRACT, "alice")
        with pytest.raises(BaselineChanged, match=r"partition public\.users_1 was dropped"):
            engine.contract(RUN)
        assert engine.rollback(RUN).state is State.ROLLED_BACK


@pytest.mark.long
def test_an_index_that_was_built_before_the_runner_died_is_our_own(database: Database) -> None:
    expand(database, PLAIN)

    def dies(event: Event) -> None:
        if isinstance(event, StepDone) and "/index/" in event.step:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), Engine(database.url, emit=dies) as engine:
        engine.advance(RUN, to=State.BACKFILLED)
    # As if it had died between the build and the ledger's record of it.
    database.execute(
        "UPDATE crossfade.steps SET state = 'running' WHERE id LIKE '%/index/%';"
        "UPDATE crossfade.baselines SET digest = '', structure = structure - ARRAY("
        "SELECT k FROM jsonb_object_keys(structure) k WHERE k LIKE 'index crossfade%')"
    )
    assert contract(database) is State.CONTRACTED


@pytest.mark.long
def test_two_runs_on_one_table_do_not_take_each_other_for_strangers(database: Database) -> None:
    expand(database, PLAIN)
    with Engine(database.url) as engine:
        other = plan_of("other", old="nick", new="handle")
        engine.advance(other, to=State.BACKFILLED)
        engine.approve("other", Phase.CONTRACT, "alice")
        assert engine.contract("other").state is State.CONTRACTED
    database.execute("ALTER TABLE users ADD COLUMN born date")
    assert contract(database) is State.CONTRACTED
    assert [noted["changes"] for noted in history(database, "table_changed")] == [
        ["column public.users.born was added"]
    ]


@pytest.mark.long
def test_what_is_changed_before_the_first_step_is_compiled_in(database: Database) -> None:
    database.execute(PLAIN)
    with Engine(database.url) as engine:
        engine.start(PLAN)
        database.execute("DROP INDEX users_email_idx")
    assert contract(database) is State.CONTRACTED
    assert history(database, "table_changed") == []


def test_a_change_of_rows_has_no_baseline(database: Database) -> None:
    database.execute(PLAIN)
    text = "crossfade: 1\nname: lower\nchanges:\n  - update_rows: {table: users, set: {nick: upper(nick)}}\n"
    with Engine(database.url) as engine:
        assert engine.advance(parse_plan(text, "plan.yaml")).state is State.CONTRACTED
    assert database.execute("SELECT FROM crossfade.baselines") == []


@pytest.mark.parametrize(
    ("changes", "columns"),
    [
        ([{"rename_column": {"from": "e mail", "to": 'a"b'}}], {"e mail", 'a"b'}),
        ([{"x": {"set": {"full": 'first || "Last Name"'}}}], {"full", "first", "Last Name"}),
        ([{"x": {"columns": ["name", "Type"]}}], {"name", "Type"}),
    ],
)
def test_the_columns_of_a_plan_are_the_names_in_its_changes(changes: list[Any], columns: set[str]) -> None:
    assert columns <= columns_of(changes)


@pytest.mark.parametrize(
    ("statement", "names"),
    [
        ('CREATE UNIQUE INDEX CONCURRENTLY "An Index" ON users (email)', {"An Index"}),
        ("DROP INDEX CONCURRENTLY IF EXISTS shop.users_email_idx, other", {"users_email_idx", "other"}),
        ("ALTER TABLE users DETACH PARTITION shop.users_1 CONCURRENTLY", {"users_1"}),
        ("ALTER TABLE users VALIDATE CONSTRAINT adult", {"adult"}),
        ("ALTER TABLE users ADD CONSTRAINT adult CHECK (age > 18) NOT VALID", {"adult"}),
        ("ANALYZE users (email)", set()),
    ],
)
def test_a_step_that_was_cut_off_may_have_left_what_its_statements_make(statement: str, names: set[str]) -> None:
    step = Step(
        id="x",
        part=Part.SEAL,
        title="x",
        statements=(Statement(text=statement),),
        transactional=False,
        done="SELECT true",
    )
    assert left_by(step) == names
