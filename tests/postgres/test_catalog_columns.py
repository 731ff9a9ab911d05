"""A column comes back with all that a copy of it has to carry."""

from __future__ import annotations

import psycopg
import pytest

from crossfade.postgres.catalog import Column, Identity, Privilege, Sequence

from .shop import Shop, builtin, named

pytestmark = pytest.mark.every_server


def test_dropped_columns_are_left_out_and_numbers_stay(shop: Shop) -> None:
    users = shop.table("users")

    assert users.column("gone") is None
    assert [c.number for c in users.columns[:10]] == [1, 2, 3, 4, 5, 6, 7, 8, 10, 11]


def test_a_column_with_everything_set(shop: Shop) -> None:
    email = shop.column("email")

    assert email.type == "character varying(200)"
    assert email.type_name == email.base_type == builtin("varchar")
    assert email.not_null
    assert email.not_null_constraint == (
        "users_email_not_null" if shop.connection.info.server_version >= 180000 else None
    )
    assert email.default is not None
    assert email.default.expression == "(('nobody'::text || '@example.org'::text))::character varying" or (
        email.default.expression == "('nobody'::text || '@example.org'::text)"
    )
    assert email.statistics_target == 500
    assert (email.storage, email.storage_is_default) == ("main", False)
    assert email.compression == "pglz"
    assert email.comment == "Where we write to."
    assert email.options == ("n_distinct=-0.5",)
    owner = shop.connection.info.user
    assert email.acl == (f"=rw/{owner}", f'"{shop.peer}"=r*/{owner}')
    assert set(email.privileges) == {
        Privilege(grantee=None, privilege="SELECT", grantable=False, grantor=owner),
        Privilege(grantee=None, privilege="UPDATE", grantable=False, grantor=owner),
        Privilege(grantee=shop.peer, privilege="SELECT", grantable=True, grantor=owner),
    }


def test_a_plain_column_has_nothing_set(shop: Shop) -> None:
    plain = shop.column("tags")

    assert plain == Column(
        name="tags",
        number=8,
        type="text[]",
        type_name=builtin("_text"),
        type_category="A",
        base_type=builtin("_text"),
        element_type=builtin("text"),
        owned_sequences=(named("spare"),),
        sequences=(Sequence(name=named("spare"), type="bigint", owner=shop.connection.info.user),),
    )


def test_types_are_followed_to_their_base(shop: Shop) -> None:
    users = {c.name: c for c in shop.table("users").columns}

    assert (users["status"].type, users["status"].type_category) == ("shop.status", "E")
    assert (users["nickname"].type, users["nickname"].base_type) == ("shop.citext", named("citext"))
    assert users["code"].type == "shop.code"
    assert users["code"].type_name == named("code")
    assert users["code"].base_type == builtin("varchar")
    assert users["codes"].base_type == named("_code")
    assert users["codes"].element_type == builtin("varchar")
    assert users["email"].element_type is None
    assert users["code"].domain_constrained
    assert not users["codes"].domain_constrained
    assert not users["email"].domain_constrained


def test_a_collation_is_told_where_it_is_not_the_types_own(shop: Shop) -> None:
    users = {c.name: c for c in shop.table("users").columns}

    assert (users["nickname"].collation, users["nickname"].collation_deterministic) == (builtin("C"), True)
    assert users["email"].collation is None


def test_a_collation_that_takes_different_texts_for_equal_is_told(shop: Shop) -> None:
    try:
        shop.connection.execute("CREATE COLLATION shop.blind (provider = icu, locale = 'und', deterministic = false)")
    except psycopg.errors.FeatureNotSupported as error:
        pytest.skip(f"only ICU has such collations: {error}")
    shop.connection.execute("ALTER TABLE shop.teams ADD COLUMN blind text COLLATE shop.blind")
    blind = shop.column("blind", of="teams")

    assert (blind.collation, blind.collation_deterministic) == (named("blind"), False)


@pytest.mark.parametrize(
    ("name", "volatile"),
    [
        ("email", False),
        ("made", False),
        ("today", False),
        ("status", False),
        ("steady", False),
        ("ticked", True),
        ("token", True),
        ("joined", True),
        ("serial_no", True),
    ],
)
def test_a_default_is_volatile_if_what_it_calls_is(shop: Shop, name: str, volatile: bool) -> None:
    default = shop.column(name).default

    assert default is not None
    assert default.volatile is volatile


def test_names_in_expressions_are_qualified_whatever_the_search_path(shop: Shop) -> None:
    shop.connection.execute("SET search_path = shop, public")
    default = shop.column("token").default

    assert default is not None
    assert default.expression == "shop.token()"


def test_sequences_of_serial_and_identity_columns(shop: Shop) -> None:
    serial, identity = shop.column("serial_no"), shop.column("id")

    assert serial.default is not None
    assert serial.default.owned_sequence == named("users_serial_no_seq")
    assert serial.owned_sequences == (named("users_serial_no_seq"),)
    assert identity.identity is not None
    assert f'"{shop.peer}"=U/{shop.connection.info.user}' in identity.identity.sequence_acl
    assert identity.identity == Identity(
        always=True,
        sequence=named("users_id_seq"),
        sequence_options="START WITH 10 INCREMENT BY 5 MINVALUE 1 MAXVALUE 9223372036854775807 CACHE 3 NO CYCLE",
        sequence_acl=identity.identity.sequence_acl,
        sequence_comment="Numbers.",
    )
    assert identity.owned_sequences == ()
    assert identity.default is None


def test_generated_columns_have_an_expression_and_no_default(shop: Shop) -> None:
    doubled = shop.column("doubled")

    assert (doubled.generated, doubled.generation_expression, doubled.default) == ("stored", "(serial_no * 2)", None)


def test_fast_defaults_and_average_widths_are_told(shop: Shop) -> None:
    shop.connection.execute("INSERT INTO shop.teams VALUES (1, 'abc')")
    shop.connection.execute("ALTER TABLE shop.teams ADD COLUMN late text DEFAULT 'longish'")
    shop.connection.execute("ANALYZE shop.teams")
    late = shop.column("late", of="teams")

    assert late.has_missing_value
    assert late.average_width == 11
    assert not shop.column("email", of="teams").has_missing_value
    assert shop.table("teams").rows_estimate == 1
    assert shop.table("teams").size_bytes == 8192


def test_the_identity_of_a_partition_is_its_roots(shop: Shop) -> None:
    if shop.connection.info.server_version < 170000:
        pytest.skip("PostgreSQL 17 gives partitions an identity")
    shop.connection.execute("CREATE TABLE shop.runs (id int GENERATED BY DEFAULT AS IDENTITY) PARTITION BY LIST (id)")
    shop.connection.execute("CREATE TABLE shop.runs_1 PARTITION OF shop.runs FOR VALUES IN (1)")
    identity = shop.column("id", of="runs_1").identity

    assert identity is not None
    assert (identity.always, identity.sequence) == (False, named("runs_id_seq"))
