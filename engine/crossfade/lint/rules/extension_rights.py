"""CREATE EXTENSION of one that takes a superuser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.postgres.forecast.trees import kind
from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement

#: Of PostgreSQL's own, those whose control file says `trusted = true`, in 14 to 18.
_TRUSTED_TEXT = """
    btree_gin btree_gist citext cube dict_int fuzzystrmatch hstore intarray isn lo ltree pg_trgm pgcrypto plpgsql seg
    tablefunc tcn tsm_system_rows tsm_system_time unaccent uuid-ossp bool_plperl hstore_plperl jsonb_plperl plperl pltcl
"""
TRUSTED = frozenset(_TRUSTED_TEXT.split())


def _statement(seen: SeenStatement) -> Iterator[Said]:
    node = seen.tree
    if kind(node) == "CreateExtensionStmt" and node.extname not in TRUSTED:
        yield Said(
            message=f"makes the extension {quoted(node.extname)}, which takes a superuser, or what stands for one at "
            "the server's provider; its files have to be on the server.",
            instead=f"CREATE EXTENSION IF NOT EXISTS {quoted(node.extname)}; once for each database, by whoever may",
        )


RULE = Rule(
    id="extension-rights",
    severity=Severity.NOTE,
    summary="the role that applies migrations may not be allowed to make an extension",
    explanation="""
PostgreSQL lets anybody with the right to create in a database make an extension that its author calls trusted, such as
pgcrypto or citext. All others take a superuser. A role for migrations should be none; such extensions are better made
where the database itself is.
""",
    statement=_statement,
)
