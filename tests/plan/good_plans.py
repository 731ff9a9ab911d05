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
    ttl: 90s
    expect: 3
changes:
  - rename_column: {table: shop.users, from: email, to: email_address, strategy: copy, note: reviewed}
  - rename_column:
      table: '"Odd.Schema"."My ""Own"" Table"'
      from: 'a"b'
      to: "; DROP TABLE users; --"
backfill: {batch_rows: 500, target: 250ms}
gates:
  expand:
    - approval: {role: dba}
  contract:
    - approval: {role: release-coordinator, mode: observe}
    - app_version: {apps: [web, api]}
    - legacy_writes: {}
locks: {timeout: 20ms, give_up_after: 1h}
hold: 15m
retain: 7d
"""
