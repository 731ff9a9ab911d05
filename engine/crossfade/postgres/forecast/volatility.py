"""Whether an expression gives each row its own value, as the planner sees it once it has put SQL functions in place.

Names are all that a text has: of overloads, one that is volatile decides, and user's operators are taken for harmless.
Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crossfade.postgres.forecast.trees import NotOneStatement, functions_of, kind, one_statement
from crossfade.postgres.forecast.type_names import SYSTEM

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crossfade.postgres.catalog import QualifiedName

#: PostgreSQL's own volatile functions on 14 to 18, those apart that begin with one of `_OFTEN_VOLATILE`.
_BUILT_IN_TEXT = """
    amvalidate array_sample array_shuffle bernoulli binary_upgrade_logical_slot_has_caught_up brin_summarize_new_values
    brin_summarize_range brinhandler bthandler clock_timestamp current_query currtid2 currval cursor_to_xml
    cursor_to_xmlschema gen_random_uuid gin_clean_pending_list ginhandler gisthandler hashhandler heap_tableam_handler
    lastval loread lowrite nextval plpgsql_call_handler query_to_xml query_to_xml_and_xmlschema query_to_xmlschema
    random random_normal set_config setval spghandler system timeofday ts_rewrite txid_status uuidv4 uuidv7
"""
_BUILT_IN = frozenset(_BUILT_IN_TEXT.split())
#: Volatile ones of uuid-ossp, pgcrypto and other extensions in wide use, in whatever schema they are.
_OF_EXTENSIONS = frozenset(
    [
        "gen_random_bytes",
        "gen_salt",
        "gen_ulid",
        "pgp_pub_encrypt",
        "pgp_sym_encrypt",
        "uuid_generate_v1",
        "uuid_generate_v1mc",
        "uuid_generate_v4",
        "uuid_generate_v7",
    ]
)
_OFTEN_VOLATILE = ("pg_", "lo_")
_DEPTH = 8
"""How many functions deep a body is followed; no body can hold itself, for the planner stops too."""


def is_volatile(
    node: Any, functions: Mapping[QualifiedName, str | None], search_path: tuple[str, ...], depth: int = _DEPTH
) -> bool:
    """Whether the expression calls a volatile function.

    `functions` are the user's volatile ones, with the body of those that the planner may put in place of the call.
    """
    for name in functions_of(node):
        bodies = [body for known, body in functions.items() if _is_meant(name, known, search_path)]
        if not bodies:
            if name[-1] in _OF_EXTENSIONS or _is_built_in_volatile(name):
                return True
            continue
        if any(_body_is_volatile(body, functions, search_path, depth) for body in bodies):
            return True
    return False


def _is_meant(called: tuple[str, ...], known: QualifiedName, search_path: tuple[str, ...]) -> bool:
    if called[-1] != known.name:
        return False
    return known.schema == called[-2] if len(called) > 1 else known.schema in search_path


def _is_built_in_volatile(called: tuple[str, ...]) -> bool:
    name = called[-1]
    own = len(called) == 1 or called[-2] == SYSTEM
    return own and (name in _BUILT_IN or name.startswith(_OFTEN_VOLATILE))


def _body_is_volatile(
    body: str | None, functions: Mapping[QualifiedName, str | None], search_path: tuple[str, ...], depth: int
) -> bool:
    value = _only_value(body) if body is not None and depth else None
    return value is None or is_volatile(value, functions, search_path, depth - 1)


def _only_value(body: str) -> Any:
    """The expression that stands for a call: of a body that is a SELECT of one value and nothing else."""
    try:
        select = one_statement(body)
    except NotOneStatement:
        return None
    if kind(select) != "SelectStmt" or len(select.targetList or ()) != 1:
        return None
    others = [slot for slot in select if slot not in {"targetList", "op", "limitOption", "all", "groupDistinct"}]
    return None if any(getattr(select, slot) for slot in others) else select.targetList[0].val
