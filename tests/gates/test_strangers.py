"""The gate `strangers`: whom the roster does not list blocks, and whom nobody can see is no proof."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from crossfade import Engine
from crossfade.gates import sightings
from crossfade.gates.sightings import Sighting
from crossfade.gates.strangers import in_words, judge, observe
from crossfade.gates.unlisted import Observation, Session
from crossfade.gates.verdict import Judgement, Verdict
from crossfade.operations.step import Phase
from crossfade.plan.apps import App
from crossfade.plan.gates import Strangers
from crossfade.plan.ignore import Ignored
from crossfade.plan.load import parse_plan
from crossfade.postgres.connect import connect

from ..fixtures.owner import eventually
from .expanded import KEYED, PARTED

if TYPE_CHECKING:
    from collections.abc import Callable

    import psycopg

    from ..fixtures.database import Database
    from .expanded import Expanded

PASS, BLOCKED, UNKNOWN = Verdict.PASS, Verdict.BLOCKED, Verdict.UNKNOWN
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ENTRY = Strangers()
PATTERN = r"(?P<app>[^:]+):(?P<version>[^:]+)"


def session(name: str = "", role: str | None = "metabase", **keys: Any) -> Session:
    made = Session(
        pid=7,
        application_name=name,
        role=role,
        address="10.0.0.7",
        since=NOW - HOUR,
        is_hidden=False,
        is_own=False,
        may_touch=True,
    )
    return replace(made, **keys)


def sighted(app: str, *, age: float = 1, by: str = "heartbeat", **keys: Any) -> Sighting:
    at = NOW - timedelta(seconds=age)
    made = Sighting(
        app=app, version="3.1", instance="pod-x", source=by, host=None, first_seen=at, last_seen=at, age_seconds=age
    )
    return replace(made, **keys)


def app(**facts: Any) -> App:
    return App.model_validate({"scheme": "semver", "new": ">=2.0.0", **facts})


API = {"api": app()}
LISTED = {"api": app(roles=("api_rw",))}
PATTERNED = {"api": app(sources=({"activity": {"pattern": PATTERN}},))}
TWO = {"api": app(), "jobs": app(roles=("jobs",))}
HIDDEN: dict[str, Any] = {"address": None, "since": None, "is_hidden": True}
ALLOWED = {"role": "metabase"}
NEAR = {"address": "10.0.0.0/8"}


def judged(
    *found: Session | Sighting, apps: dict[str, App] = API, ignore: tuple[dict[str, str], ...] = (), **keys: Any
) -> Judgement:
    sessions = tuple(replace(s, pid=n) for n, s in enumerate(f for f in found if isinstance(f, Session)))
    observation = Observation(
        now=NOW,
        apps=apps,
        ignore=tuple(map(Ignored.model_validate, ignore)),
        tables=("public.users",),
        missing=(),
        is_about_tables=True,
        sessions=sessions,
        sightings=tuple(f for f in found if isinstance(f, Sighting)),
        logins=frozenset(),
    )
    return judge(replace(observation, **keys), ENTRY)


LOGIN = {"logins": frozenset({("api", "shared")})}
CASES: dict[str, tuple[list[Session | Sighting], dict[str, Any], Verdict]] = {
    "nobody": ([], {}, PASS),
    "an app of the roster": ([session("api@1.4.0/pod-a")], {}, PASS),
    "one whose version is not given": ([session("api@")], {}, PASS),
    "a session that names no app": ([session("psql")], {}, BLOCKED),
    "one without an application_name": ([session()], {}, BLOCKED),
    "one of a role without rights": ([session("psql", may_touch=False)], {}, PASS),
    "one of crossfade's role": ([session("psql", is_own=True)], {}, PASS),
    "one of a role that is gone": ([session(role=None)], {}, BLOCKED),
    "an app that is not in the roster": ([session("billing@3.1")], {}, BLOCKED),
    "one of crossfade's role that names such an app": ([session("billing@3.1", is_own=True)], {}, BLOCKED),
    "one without rights that names such an app": ([session("billing@3.1", may_touch=False)], {}, BLOCKED),
    "one in the case of another": ([session("API@1.4.0")], {}, BLOCKED),
    # Roles.
    "a role of an app": ([session("psql", "api_rw")], {"apps": LISTED}, PASS),
    "another app by a role of an app": ([session("billing@3.1", "api_rw")], {"apps": LISTED}, BLOCKED),
    "a role that an app is sighted under": ([session("", "shared")], LOGIN, PASS),
    "a role beside it": ([session("", "shared"), session("", "other")], LOGIN, BLOCKED),
    "a role that an app with other roles is sighted under": (
        [session("", "shared")],
        {**LOGIN, "apps": LISTED},
        BLOCKED,
    ),
    "a role that an app's session has": ([session("api@2.0.0", "shared"), session("", "shared")], {}, PASS),
    "a role that a session of an app with roles has": (
        [session("api@2.0.0", "shared"), session("", "shared")],
        {"apps": LISTED},
        BLOCKED,
    ),
    "an app of the roster under another role than its own": (
        [session("api@2.0.0", "shared")],
        {"apps": LISTED},
        BLOCKED,
    ),
    "roles of several apps": (
        [session("", "jobs"), session("api@1.4.0", "a"), session("", "a"), session("jobs@1.0.0", "jobs")],
        {"apps": TWO},
        PASS,
    ),
    "an app with roles by name alone": ([session("jobs@1.0.0", "b")], {"apps": TWO}, BLOCKED),
    "an app by name under two roles brings none of them": (
        [session("api@1.4.0", "a"), session("api@1.4.0", "b"), session("", "b")],
        {"apps": TWO},
        BLOCKED,
    ),
    "the role of a session that is an app's with roles": (
        [session("jobs@1.0.0", "b"), session("", "b")],
        {"apps": TWO},
        BLOCKED,
    ),
    # The plan's own pattern.
    "an app by its pattern": ([session("api:2.0.0")], {"apps": PATTERNED}, PASS),
    "another app by the pattern": ([session("billing:3.1", is_own=True)], {"apps": PATTERNED}, BLOCKED),
    "another app by the convention": ([session("billing@3.1", is_own=True)], {"apps": PATTERNED}, BLOCKED),
    "an app not in its own way": ([session("api@2.0.0")], {"apps": PATTERNED}, BLOCKED),
    "no app by any": ([session("api")], {"apps": PATTERNED}, BLOCKED),
    # Sightings.
    "a sighting": ([sighted("billing")], {}, BLOCKED),
    "a sighting by whatever source": ([sighted("billing", by="kubernetes")], {}, BLOCKED),
    "a sighting at the end of its minute": ([sighted("billing", age=60)], {}, BLOCKED),
    "a stale sighting": ([sighted("billing", age=61)], {}, PASS),
    "a sighting ahead of the clock": ([sighted("billing", age=-1)], {}, BLOCKED),
    # `ignore`.
    "a role that is ignored": ([session("psql")], {"ignore": (ALLOWED,)}, PASS),
    "another than is ignored": ([session("psql"), session("psql", "x")], {"ignore": (ALLOWED,)}, BLOCKED),
    "an address that is ignored": ([session("psql")], {"ignore": (NEAR,)}, PASS),
    "a socket that is ignored": ([session("psql", address="local")], {"ignore": ({"address": "local"},)}, PASS),
    "an address that is not": ([session("psql", address="192.168.0.1")], {"ignore": (NEAR,)}, BLOCKED),
    "all keys of an entry": ([session("psql")], {"ignore": ({**ALLOWED, **NEAR},)}, PASS),
    "one key of an entry": ([session("psql", "x")], {"ignore": ({**ALLOWED, **NEAR},)}, BLOCKED),
    "an app that is ignored": ([session("billing@3.1")], {"ignore": ({"application_name": "billing"},)}, PASS),
    "an app that is ignored by its version": (
        [session("billing@3.1"), sighted("billing")],
        {"ignore": ({"application_name": "billing@3*"},)},
        PASS,
    ),
    "a sighting that is ignored by its app": ([sighted("billing")], {"ignore": ({"application_name": "bill*"},)}, PASS),
    "a sighting that is ignored by its role": (
        [sighted("billing", role_name="metabase")],
        {"ignore": (ALLOWED,)},
        PASS,
    ),
    "a sighting without a role": ([sighted("billing", by="http")], {"ignore": (ALLOWED,)}, BLOCKED),
    "a sighting that is ignored by address": ([sighted("billing", host="10.0.0.9")], {"ignore": (NEAR,)}, PASS),
    "a sighting by a socket": ([sighted("billing")], {"ignore": ({"address": "local"},)}, PASS),
    "a sighting from a host by name": ([sighted("billing", by="http", host="pod-x")], {"ignore": (NEAR,)}, BLOCKED),
    "a sighting from nowhere": ([sighted("billing", by="http")], {"ignore": (NEAR,)}, UNKNOWN),
    # What cannot be seen.
    "a hidden session": ([session("psql", **HIDDEN)], {}, BLOCKED),
    "a hidden session of the roster": ([session("api@1.4.0", **HIDDEN)], {}, PASS),
    "a hidden session that is ignored by role": ([session("psql", **HIDDEN)], {"ignore": (ALLOWED,)}, PASS),
    "one that may be ignored by address": ([session("psql", **HIDDEN)], {"ignore": (NEAR,)}, UNKNOWN),
    "one that is not ignored, whatever its address": (
        [session("psql", "x", **HIDDEN)],
        {"ignore": ({**ALLOWED, **NEAR},)},
        BLOCKED,
    ),
    "one of each": ([session("psql", **HIDDEN), session("x", "x", address="::1")], {"ignore": (NEAR,)}, BLOCKED),
    # The tables.
    "a table that is not there": ([session("psql", may_touch=False)], {"missing": ("public.gone",)}, UNKNOWN),
    "no table at all": ([], {"tables": ()}, UNKNOWN),
    "a stranger and a table that is not there": ([session("psql")], {"missing": ("public.gone",)}, BLOCKED),
}


@pytest.mark.parametrize(("found", "keys", "verdict"), CASES.values(), ids=CASES)
def test_whom_the_roster_does_not_list_blocks(
    found: list[Session | Sighting], keys: dict[str, Any], verdict: Verdict
) -> None:
    assert judged(*found, **keys).verdict is verdict
    assert judged(*reversed(found), **keys).verdict is verdict


def test_the_reason_names_them_and_says_what_to_do() -> None:
    alike = [session("metabase", address="10.0.3.4")] * 3
    found = judged(*alike, session("", None, address="local"), sighted("billing", role_name="billing", host="10.0.0.9"))
    assert found.reason == (
        "not in the roster: metabase (role metabase, from 10.0.3.4, pid 0 and 2 more, since 2026-03-01 11:00:00 UTC);"
        " (no application_name) (role that is gone, by a Unix socket, pid 3, since 2026-03-01 11:00:00 UTC);"
        " billing@3.1/pod-x (role billing, from 10.0.0.9, since 2026-03-01 11:59:59 UTC), sighted by heartbeat."
        " End what should not be there; what may be has to be in the plan, under `apps` (with its `roles`) or under"
        " `ignore`"
    )
    assert "; and 2 more. End" in judged(*[session(f"tool {n}") for n in range(7)]).reason
    assert "pg_read_all_stats" not in found.reason
    hidden = judged(session("psql", **HIDDEN)).reason
    assert "psql (role metabase, from an address that is not seen, pid 0); what kind of session" in hidden
    assert "pg_read_all_stats" in hidden


def test_what_is_not_known_says_what_is_missing() -> None:
    assert judged(missing=("public.gone",)).reason == ("who may use public.gone cannot be told: there is no such table")
    reason = judged(session("psql", **HIDDEN), session("x", **HIDDEN), ignore=(NEAR,)).reason
    assert reason.startswith("2 sessions may be what `ignore` excepts by address")
    assert "GRANT pg_read_all_stats" in reason


def test_the_evidence_lists_strangers_up_to_a_limit_and_counts_the_others() -> None:
    others = [session("api@1.4.0", "w"), session("psql", "y", may_touch=False), session("psql", "z", is_own=True)]
    tools = [session(f"tool {n}", "x") for n in range(70)]
    evidence = judged(*tools, session("psql"), *others, ignore=(ALLOWED,)).evidence
    assert (len(evidence["strangers"]), evidence["found"]) == (50, 70)
    assert evidence["strangers"][0] == {
        "application_name": "tool 0",
        "app": None,
        "role": "x",
        "address": "10.0.0.7",
        "pid": 0,
        "since": "2026-03-01T11:00:00+00:00",
        "by": "session",
    }
    assert [evidence[k] for k in ("roster", "ignored", "own_role", "without_rights")] == [1, 1, 1, 1]


def test_a_sighting_of_an_open_session_is_told_once_and_its_words_are_cut() -> None:
    named = session("billing@3.1/pod-x")
    assert judged(named, sighted("billing")).evidence["found"] == 1
    assert judged(session("billing@3.1"), sighted("billing", instance="pid 0", by="start")).evidence["found"] == 1
    (listed,) = judged(sighted("a\x1b[2Jb" + "x" * 500)).evidence["strangers"]
    assert listed["app"].startswith("a?[2Jb")
    assert len(listed["app"]) == 201


def test_it_is_clear_since_the_last_sighting_of_another_app_is_stale() -> None:
    assert judged().clear_since is None
    stale = [sighted("billing", age=90), sighted("billing", age=300, instance="pod-y")]
    assert judged(*stale).clear_since == NOW - timedelta(seconds=30)
    assert judged(*stale, ignore=({"application_name": "billing"},)).clear_since is None


def test_in_words_it_says_who_must_not_be_there() -> None:
    assert in_words(ENTRY) == "nobody is connected or sighted who may use the tables and is of no app in the roster"


# Against a server

ROSTER = 'apps:\n  api: {scheme: semver, new: ">=2.0.0"}\nhold: 0s\n'


def seen(run: Expanded, connection: psycopg.Connection[Any] | None = None) -> Judgement:
    look = run.look()
    return judge(observe(connection or run.connection, run.subject, ENTRY, look), ENTRY)


@contextmanager
def role(run: Expanded, name: str, grants: str) -> Iterator[psycopg.Connection[Any]]:
    """A session of a new role with these rights, which names no app."""
    exists = run.sql("SELECT true FROM pg_roles WHERE rolname = %s", [name])
    run.sql(f"{'' if exists else f'CREATE ROLE {name} LOGIN;'} {grants.replace('{role}', name)}")
    with run.database.connect(user=name, application_name=f"tool of {name}", autocommit=True) as connection:
        yield connection


def gone(run: Expanded) -> None:
    eventually(lambda: seen(run).verdict is PASS, "the session is gone")


@pytest.mark.every_server
@pytest.mark.parametrize(
    ("grants", "verdict"),
    [
        ("", PASS),
        ("GRANT USAGE ON SCHEMA {schema} TO {role}", PASS),
        ("GRANT TRUNCATE ON t TO {role}", PASS),
        ("GRANT SELECT ON t TO {role}", BLOCKED),
        ("GRANT INSERT ON t TO {role}", BLOCKED),
        ("GRANT UPDATE (other) ON t TO {role}", BLOCKED),
        ("GRANT DELETE ON t TO PUBLIC", BLOCKED),
        ("GRANT pg_read_all_data TO {role}", BLOCKED),
        ("ALTER TABLE t OWNER TO {role}", BLOCKED),
        ("ALTER ROLE {role} SUPERUSER", BLOCKED),
        ("CREATE ROLE {role}_w; GRANT INSERT ON t TO {role}_w; GRANT {role}_w TO {role}", BLOCKED),
        (
            # It has to SET ROLE first.
            "ALTER ROLE {role} NOINHERIT; CREATE ROLE {role}_s; GRANT ALL ON t TO {role}_s; GRANT {role}_s TO {role}",
            BLOCKED,
        ),
        ("CREATE TABLE u (id int); GRANT ALL ON u TO {role}", PASS),
    ],
)
def test_a_session_counts_if_its_role_may_touch_the_table(
    start: Callable[..., Expanded], grants: str, verdict: Verdict
) -> None:
    run = start(KEYED, ROSTER)
    name = f"stranger_{run.schema}"
    with role(run, name, grants.replace("{schema}", run.schema)) as session:
        found = seen(run)
        assert found.verdict is verdict
        if verdict is BLOCKED:
            (one,) = found.evidence["strangers"]
            assert (one["role"], one["pid"], one["address"]) == (name, session.info.backend_pid, "local")
            assert one["since"] is not None
        else:
            assert found.evidence["without_rights"] == 1
    run.sql(f"ALTER TABLE t OWNER TO {run.connection.info.user}; ALTER ROLE {name} NOSUPERUSER")
    gone(run)


def of_table(run: Expanded, table: str) -> Expanded:
    """The run, as one of a plan that is about this table and has no pair of columns."""
    change = f"changes: [rename_column: {{table: {table}, from: old, to: new}}]"
    plan = parse_plan(f"crossfade: 1\nname: other\n{ROSTER}{change}\n", "p.yaml")
    return replace(run, subject=replace(run.subject, plan=plan, rows=()))


@pytest.mark.alike
@pytest.mark.parametrize(
    ("table", "granted", "verdict"),
    [("t", "t", BLOCKED), ("t", "p1", BLOCKED), ("p1", "t", BLOCKED), ("p1", "p1", BLOCKED), ("p1", "p2", PASS)],
)
def test_rights_on_what_holds_the_rows_count_too(
    start: Callable[..., Expanded], table: str, granted: str, verdict: Verdict
) -> None:
    run = start(PARTED, ROSTER)
    other = of_table(run, f"{run.schema}.{table}")
    with role(run, f"reads_{granted}", f"GRANT SELECT ON {granted} TO {{role}}"):
        assert seen(other).verdict is verdict
    gone(run)


def test_a_table_without_a_schema_is_any_of_that_name(start: Callable[..., Expanded]) -> None:
    run, twin = start(KEYED, ROSTER), start(KEYED, ROSTER)
    with role(twin, "of_the_twin", "GRANT SELECT ON t TO {role}"):
        assert seen(run).verdict is PASS
        assert seen(of_table(run, "t")).verdict is BLOCKED
        assert seen(of_table(run, f"{twin.schema}.t")).verdict is BLOCKED
    gone(twin)


def test_sessions_of_other_databases_and_the_servers_own_processes_are_nobodys_business(
    start: Callable[..., Expanded],
) -> None:
    run = start(KEYED, ROSTER)
    run.sql("CREATE ROLE elsewhere_only LOGIN SUPERUSER")
    with run.database.connect(user="elsewhere_only", dbname="postgres"):
        assert seen(run).verdict is PASS
    run.sql("ALTER ROLE elsewhere_only NOSUPERUSER")


@pytest.mark.alike
def test_an_app_of_the_roster_brings_its_role_with_it(start: Callable[..., Expanded]) -> None:
    run = start(KEYED, ROSTER)
    rights = "GRANT SELECT ON t TO {role}; GRANT USAGE ON SCHEMA crossfade TO {role};"
    rights += "GRANT EXECUTE ON FUNCTION crossfade.heartbeat(text, text, text) TO {role}"
    with role(run, "shared_login", rights) as unnamed:
        assert seen(run).verdict is BLOCKED
        with run.database.connect(user="shared_login", application_name="api@1.4.0/pod-a"):
            assert seen(run).verdict is PASS
        eventually(lambda: seen(run).verdict is BLOCKED, "the named session is gone")
        unnamed.execute("SELECT crossfade.heartbeat('api', '1.4.0', 'pod-a')")
        assert seen(run).verdict is PASS
        run.sql("UPDATE crossfade.sightings SET last_seen = last_seen - interval '61 s'")
        assert seen(run).verdict is BLOCKED
    gone(run)


def test_who_claims_to_be_the_app_after_it_is_no_less_a_stranger(start: Callable[..., Expanded]) -> None:
    run = start(KEYED, ROSTER)
    rights = "GRANT SELECT ON t TO {role}; GRANT USAGE ON SCHEMA crossfade TO {role};"
    rights += "GRANT EXECUTE ON FUNCTION crossfade.heartbeat(text, text, text) TO {role}"
    with role(run, "app_login", rights) as app, role(run, "met_login", rights) as met:
        app.execute("SELECT crossfade.heartbeat('api', '2.0.0', 'pod-a')")
        met.execute("SELECT crossfade.heartbeat('api', '2.0.0', 'x')")
        found = seen(run)
        assert found.verdict is BLOCKED
        assert "met_login" in found.reason
        assert "app_login" not in found.reason
    gone(run)


def test_with_roles_no_other_role_is_the_apps(start: Callable[..., Expanded]) -> None:
    run = start(KEYED, ROSTER.replace("}", ", roles: [listed_login]}"))
    with ExitStack() as sessions:
        sessions.enter_context(role(run, "listed_login", "GRANT SELECT ON t TO {role}"))
        assert seen(run).verdict is PASS
        sightings.save(run.connection, [("api", "2.0.0", "pod-a", "heartbeat", None, "forged_login")])
        sessions.enter_context(role(run, "forged_login", "GRANT SELECT ON t TO {role}"))
        assert seen(run).verdict is BLOCKED
    gone(run)


def test_who_is_ignored_may_be_connected(start: Callable[..., Expanded]) -> None:
    run = start(KEYED, ROSTER + "ignore: [{role: report_*, address: local}, {application_name: billing}]\n")
    with role(run, "report_reader", "GRANT SELECT ON t TO {role}"):
        assert seen(run).verdict is PASS
        assert seen(run).evidence["ignored"] == 1
        sightings.heartbeat(run.connection, "billing", "3.1", "pod-x")
        assert seen(run).verdict is PASS
        sightings.heartbeat(run.connection, "shop", "3.1", "pod-x")
        assert seen(run).verdict is BLOCKED


def test_an_app_that_is_sighted_counts_and_a_record_of_a_deployment_does_not(start: Callable[..., Expanded]) -> None:
    run = start(KEYED, ROSTER)
    sightings.record(run.connection, "billing", "3.1")
    sightings.heartbeat(run.connection, "api", "1.4.0", "pod-a")
    assert seen(run).verdict is PASS
    run.connection.execute("SELECT crossfade.can_i_run('billing', '3.1')")
    found, ours = seen(run), run.connection.info
    assert found.verdict is BLOCKED
    assert f"billing@3.1/pid {ours.backend_pid} (role {ours.user}, by a Unix socket, since " in found.reason
    run.sql("UPDATE crossfade.sightings SET last_seen = last_seen - interval '61 s'")
    found = seen(run)
    # From before the run, it is nothing to wait for.
    assert (found.verdict, found.clear_since) == (PASS, None)
    begun = replace(run.subject, created_at=run.subject.created_at - HOUR)
    assert seen(replace(run, subject=begun)).clear_since is not None


@pytest.mark.alike
def test_what_a_role_without_rights_to_look_sees_is_no_wrong_pass(start: Callable[..., Expanded]) -> None:
    near = start(KEYED, ROSTER + "ignore: [{address: 192.0.2.0/24}]\n")
    plain = start(KEYED, ROSTER)
    plain.sql("CREATE ROLE looking LOGIN IN ROLE pg_read_all_data; GRANT USAGE ON SCHEMA crossfade TO looking")
    plain.sql("CREATE ROLE looking_all LOGIN IN ROLE pg_read_all_data, pg_read_all_stats")
    plain.sql("GRANT USAGE ON SCHEMA crossfade TO looking_all")
    tool = plain.app("psql", autocommit=True)
    with (
        connect(plain.database.server.url(plain.database.name, user="looking")) as hidden,
        connect(plain.database.server.url(plain.database.name, user="looking_all")) as allowed,
    ):
        found = seen(plain, hidden)
        assert found.verdict is BLOCKED
        by_pid = {s["pid"]: s for s in found.evidence["strangers"]}
        # Names and roles everybody sees; where from and since when, not.
        mine = by_pid[tool.info.backend_pid]
        assert (mine["application_name"], mine["role"]) == ("psql", plain.connection.info.user)
        assert (mine["address"], mine["since"]) == (None, None)
        assert not {hidden.info.backend_pid, plain.connection.info.backend_pid} & set(by_pid)
        assert seen(near, hidden).verdict is UNKNOWN
        assert "pg_read_all_stats" in seen(near, hidden).reason
        assert seen(near, allowed).verdict is BLOCKED
        # The server's own processes, of which the role may not see the kind either, are none of these.
        query = "SELECT pid FROM pg_stat_activity WHERE backend_type <> 'client backend'"
        assert not {p for (p,) in plain.sql(query)} & set(by_pid)


def test_each_look_is_a_fresh_one_within_a_transaction_too(start: Callable[..., Expanded]) -> None:
    run = start(KEYED, ROSTER)
    run.sql("CREATE ROLE late_comer LOGIN; GRANT SELECT ON t TO late_comer")
    with run.connection.transaction():
        assert seen(run).verdict is PASS
        with run.database.connect(user="late_comer"):
            assert seen(run).verdict is BLOCKED


def test_contract_waits_until_the_stranger_is_gone_for_as_long_as_it_has_to(start: Callable[..., Expanded]) -> None:
    run = start(KEYED, ROSTER.replace("0s", "1h"))
    with role(run, "passing_by", "GRANT SELECT ON t TO {role}"):
        blocked = run.gates()["strangers"]
        assert (blocked.verdict, blocked.holding, blocked.mode) == (BLOCKED, False, "enforce")
    eventually(lambda: run.gates()["strangers"].holding, "the session is gone")
    run.sql("UPDATE crossfade.passing SET since = since - interval '1 h' WHERE run_id = %s", [run.subject.run_id])
    assert run.gates()["strangers"].verdict is PASS


def test_a_table_that_is_gone_is_no_proof(start: Callable[..., Expanded]) -> None:
    run = start(KEYED, ROSTER)
    run.sql("ALTER TABLE t RENAME TO moved")
    found = seen(run)
    assert (found.verdict, found.evidence["tables"]) == (UNKNOWN, [])
    assert f"{run.schema}.t cannot be told" in found.reason


def test_a_plan_of_no_table_waits_for_nobodys_rights(database: Database) -> None:
    database.execute("CREATE TYPE mood AS ENUM ('sad')")
    change = "changes:\n  - sql: {contract: [DROP TYPE mood], irreversible: true, reason: nothing has it}\n"
    with Engine(database.url) as engine:
        engine.start(parse_plan(f"crossfade: 1\nname: lone\n{ROSTER}{change}", "lone.yaml"))
        found = engine.gates("lone", Phase.CONTRACT)
    strangers = next(gate for gate in found.gates if gate.kind == "strangers")
    assert (strangers.verdict, strangers.reason) == (PASS, "no stranger was sighted within a minute")
