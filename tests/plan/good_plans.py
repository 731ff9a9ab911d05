"""A plan that uses every option there is, and the ready plans of the project."""

from __future__ import annotations

from pathlib import Path

PLANS = sorted((Path(__file__).parents[2] / "plans").glob("*.yaml"))

FULL = """\
crossfade: 1
name: users-email-address
description: >
  The column holds an address,
  so call it one.
apps:
  web:
    scheme: ordered
    order: [blue, green]
    new: ">=green"
  api:
    scheme: semver
    new: ">=2.0.0 <3"
    sources: [activity, heartbeat]
    roles: [api_rw, api_ro]
    ttl: 90s
    expect: 3
ignore:
  - role: metabase
  - application_name: "psql*"
    role: "dba_*"
  - address: 10.20.0.0/16
  - address: local
changes:
  - rename_column: {table: shop.users, from: email, to: email_address, strategy: copy, note: reviewed}
  - rename_column:
      table: '"Odd.Schema"."My ""Own"" Table"'
      from: 'a"b'
      to: "; DROP TABLE users; --"
backfill: {batch_rows: 500, target: 250ms}
gates:
  expand:
    - approval: {role: dba, count: 2, four_eyes: false, expires: 24h}
  contract:
    - approval: {role: release-coordinator, mode: observe}
    - app_version: {apps: [web, api]}
    - legacy_writes: {}
    - strangers: {mode: observe}
locks: {timeout: 20ms, give_up_after: 1h}
hold: 15m
retain: 7d
"""

DATA_PLAN = """\
crossfade: 1
name: users-tidy
changes:
  - update_rows:
      table: shop.users
      set: {email: lower(email), 'Größe "in" %': "'100 %'", active: "true"}
      where: email <> lower(email)  -- or NULL
      note: reviewed
  - update_rows: {table: users, set: {seen: now()}}
  - delete_rows: {table: users, where: "true", archive_to: '"Odd.Schema"."My ""Own"" Table"'}
  - delete_rows: {table: users, where: at < now() - interval '2 years'}
  - copy_rows: {from: users, into: shop.people, columns: [id, 'user', 'a"b'], on_conflict: skip, note: reviewed}
  - copy_rows:
      from: users
      into: people
      columns:
        id: id
        address: coalesce(email, '')
      where: active
      on_conflict: update
"""
"""The same for changes of rows; a plan has no others beside them."""
