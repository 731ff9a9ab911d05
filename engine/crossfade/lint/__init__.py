"""Statements of migrations that would block or break a running app: found without a database, from their SQL alone.

    read (migrations) → walk: each statement with the schema before and after it → rules/* → check → a report

A rule is one file in `rules/`. What a statement locks, rewrites and reads is foreseen by `postgres.forecast`, over a
model of the schema that runs along with the files, so that what one of them makes safe is no finding in the next.
"""
