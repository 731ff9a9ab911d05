#!/bin/sh
# Brings the plan to `backfilled` in every database, canaries first. Can be run again at any time: it goes on where it was.
set -eu
here=$(dirname "$0")
plan=${PLAN:-$here/plan.yaml}
databases=${DATABASES:-$here/databases.yaml}
bake=${BAKE:-10m}

crossfade fleet check "$plan" --databases "$databases"
crossfade fleet expand "$plan" --databases "$databases" --bake "$bake"
crossfade fleet backfill "$plan" --databases "$databases" --concurrency 2 --bake "$bake"
crossfade fleet status "$plan" --databases "$databases"
