"""What an expression of a plan may be, and what is sent for it."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from crossfade.plan.expressions import LONGEST, Expression

SENT = {
    "a column": ("email", "email", ("email",)),
    "spaces around": ("  email\n", "email", ("email",)),
    "a folded name": ("Email", "email", ("email",)),
    "an odd name": ('"Ä ""b"" 50%"', '"Ä ""b"" 50%"', ('Ä "b" 50%',)),
    "a text": ("'new'", "'new'", ()),
    "a text with a backslash": (r"'a\b'", r"E'a\\b'", ()),
    "a text that looks like a comment": ("'-- x'", "'-- x'", ()),
    "a comment": ("a -- it's a comment", "a", ("a",)),
    "a comment inside": ("a /* ; DROP */ || b", "a || b", ("a", "b")),
    "two minus signs": ("1 - -1", "1 - -1", ()),
    "parentheses": ("(a + b) * c", "(a + b) * c", ("a", "b", "c")),
    "a cast": ('a::public."St"', 'a::public."St"', ("a",)),
    "a field of a column": ("(address).city", "(address).city", ("address",)),
    "an element": ("tags[n]", "tags[n]", ("tags", "n")),
    "a column twice": ("coalesce(a, b, a)", "COALESCE(a, b, a)", ("a", "b")),
    "the time": ("at < now() - interval '2 years'", "at < now() - '2 years'::interval", ("at",)),
    "an operator of an extension": ("a OPERATOR(public.->) 'b'", "a OPERATOR(public.->) 'b'", ("a",)),
    "a text of braces": ("'{}'::jsonb || '{\"a\": \"%s\"}'", "'{}'::jsonb || '{\"a\": \"%s\"}'", ()),
}


@pytest.mark.parametrize(("text", "sent", "columns"), SENT.values(), ids=SENT)
def test_an_expression_is_printed_from_its_tree(text: str, sent: str, columns: tuple[str, ...]) -> None:
    found = Expression.parse(text)
    assert (found.sql, found.columns) == (sent, columns)
    assert found.text == text.strip()


def test_the_functions_are_known_with_their_schemas() -> None:
    found = Expression.parse("shop.clean(lower(email), now()) || lower(name)")
    assert found.functions == (("shop", "clean"), (None, "lower"), (None, "now"))


@pytest.mark.parametrize("name", ["id", "user", "Größe", 'a"b', "; DROP TABLE users; --", "select", "1", "%s"])
def test_the_value_of_a_column_is_that_of_the_column_whatever_its_name(name: str) -> None:
    found = Expression.of_column(name)
    assert found.columns == (name,)
    assert found == Expression.parse(found.text)


REFUSED = {
    "nothing": ("", "an empty expression"),
    "blanks": (" \n", "an empty expression"),
    "only a comment": ("-- x", "not one SQL expression"),
    "no SQL": ("a +", "syntax error at end of input"),
    "an open quote": ("'a", "unterminated quoted string"),
    "an open comment": ("a /* b", "unterminated /* comment"),
    "a second statement": ("a; DROP TABLE users", "not one SQL expression"),
    "a second query": ("a; SELECT 1", "not one SQL expression"),
    "a semicolon": ("a;", "not one SQL expression"),
    "two values": ("a, b", "not one SQL expression"),
    "a name for it": ("a AS b", "not one SQL expression"),
    "a name without AS": ("a b", "not one SQL expression"),
    "parentheses the other way round": ("a) || (b", "not one SQL expression"),
    "a way out of parentheses": ("true) OR (true", "not one SQL expression"),
    "ALL": ("ALL a", "not one SQL expression"),
    "DISTINCT": ("DISTINCT a", "not one SQL expression"),
    "INTO": ("a INTO b", "not one SQL expression"),
    "FROM": ("a FROM users", "not one SQL expression"),
    "WHERE": ("a WHERE true", "not one SQL expression"),
    "GROUP BY": ("a GROUP BY b", "not one SQL expression"),
    "HAVING": ("a HAVING true", "not one SQL expression"),
    "ORDER BY": ("a ORDER BY 1", "not one SQL expression"),
    "LIMIT": ("a LIMIT 1", "not one SQL expression"),
    "FETCH": ("a FETCH FIRST ROW ONLY", "not one SQL expression"),
    "FOR UPDATE": ("a FOR UPDATE", "not one SQL expression"),
    "UNION": ("a UNION SELECT 1", "not one SQL expression"),
    "a subquery": ("(SELECT 1)", "a subquery"),
    "EXISTS": ("EXISTS (SELECT FROM users)", "a subquery"),
    "IN a subquery": ("a IN (SELECT b FROM users)", "a subquery"),
    "ANY of a subquery": ("a = ANY (SELECT b FROM users)", "a subquery"),
    "an array of a subquery": ("ARRAY(SELECT 1)", "a subquery"),
    "JSON of a subquery": ("JSON_ARRAY(SELECT 1)", "a subquery"),
    "VALUES": ("(VALUES (1))", "a subquery"),
    "a subquery far inside": ("CASE WHEN a THEN f(b || (SELECT 1)) END", "a subquery"),
    "an aggregate": ("sum(a)", "the aggregate `sum`"),
    "count(*)": ("count(*)", "the aggregate `count`"),
    "an aggregate of one's own, by its syntax": ("shop.best(DISTINCT a)", "the aggregate `best`"),
    "a filtered aggregate": ("f(a) FILTER (WHERE b)", "the aggregate `f`"),
    "an ordered aggregate": ("f(a ORDER BY b)", "the aggregate `f`"),
    "an ordered-set aggregate": ("f(0.5) WITHIN GROUP (ORDER BY b)", "the aggregate `f`"),
    "JSON_ARRAYAGG": ("JSON_ARRAYAGG(a)", "an aggregate"),
    "JSON_OBJECTAGG": ("JSON_OBJECTAGG(a: b)", "an aggregate"),
    "GROUPING": ("GROUPING(a)", "an aggregate"),
    "a window function": ("row_number() OVER ()", "the window function `row_number`"),
    "a set": ("generate_series(1, 2)", "a set of rows"),
    "a set of an array": ("unnest(tags)", "a set of rows"),
    "a parameter": ("$1", "a parameter"),
    "DEFAULT": ("DEFAULT", "DEFAULT"),
    "all columns": ("users.*", "`*`"),
    "all fields": ("(address).*", "`*`"),
    "a star": ("*", "not one SQL expression"),
    "a column with its table": ("users.email", "`users.email` names a column with its table"),
    "a column with table and schema": ("shop.users.email", "names a column with its table"),
    "too long": ("1" * (LONGEST + 1), f"more than {LONGEST} characters"),
    "too deep": ("NOT " * 2400 + "a", "nested too deeply"),
    "a psql variable": (":a", "not one SQL expression"),
    "a NUL": ("a\0b", "not one SQL expression"),
}


@pytest.mark.parametrize(("text", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_expression_over_a_row_is_refused(text: str, words: str) -> None:
    with pytest.raises(PydanticCustomError) as raised:
        Expression.parse(text)
    assert words in str(raised.value)
    context = raised.value.context
    assert context is not None
    assert context["hint"]


@given(st.text(max_size=60))
@example("SELECT")
@example("\ud800")
@example("U&'\\D800'")
@example("a\0")
def test_any_text_is_an_expression_or_a_fault(text: str) -> None:
    try:
        found = Expression.parse(text)
    except PydanticCustomError:
        return
    assert Expression.parse(found.sql).sql == found.sql


def _joined(three: tuple[str, str, str]) -> str:
    left, operator, right = three
    return f"({left}) IN ({right}, 1)" if operator == "IN" else f"{left} {operator} ({right})"


LEAVES = st.sampled_from(["a", '"B c"', "'x'", "-1", "1.50", "NULL", "true", "now()", "E'\\n'", "interval '1 day'"])
PIECES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "||", "=", "<", "AND", "OR", "IN"]), inner).map(_joined),
        st.tuples(st.sampled_from(["NOT ", "- ", "@ ", "+"]), inner).map("".join),
        inner.map(lambda e: f'({e})::text COLLATE "C"'),
        inner.map(lambda e: f"({e}) IS NOT TRUE"),
        st.tuples(inner, inner).map(lambda two: f"CASE WHEN ({two[0]}) THEN {two[1]} ELSE f({two[0]}) END"),
        st.tuples(inner, inner).map(lambda two: f"ARRAY[{two[0]}, {two[1]}][1:2]"),
    ),
    max_leaves=12,
)


@given(PIECES)
def test_what_is_printed_reads_as_the_same_expression(text: str) -> None:
    from pglast import parse_sql

    try:
        wanted = parse_sql(f"SELECT {text}")[0].stmt
    except Exception:  # noqa: BLE001 - pieces that make no sense together
        return
    assert parse_sql(f"SELECT {Expression.parse(text).sql}")[0].stmt == wanted
