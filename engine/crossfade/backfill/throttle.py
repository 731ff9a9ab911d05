"""What slows a backfill down: a replica that falls behind. The answer is a reason in words, or None.

A replica that streams but says no lag has replayed everything it was sent (`pg_stat_replication.replay_lag` is NULL
when there is nothing to replay); one that is still catching up is behind by an unknown time. A sensor that cannot be
read throttles, and says so.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg

_LAG = """
SELECT coalesce(nullif(application_name, ''), client_addr::text, 'pid ' || pid), replay_lag, state = 'catchup'
FROM pg_catalog.pg_stat_replication
WHERE state = 'catchup' OR (state = 'streaming' AND replay_lag IS NOT NULL)
ORDER BY state = 'catchup' DESC, replay_lag DESC
LIMIT 1
"""
_MAY_SEE = "SELECT pg_catalog.pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')"


def replica_lag(connection: psycopg.Connection[Any], limit: timedelta) -> str | None:
    """Which replica is behind by more than the limit; None when all keep up."""
    try:
        row = connection.execute(_MAY_SEE).fetchone()
        if not (row and row[0]):
            return "replica lag cannot be read: this role needs pg_read_all_stats (or pg_monitor)"
        row = connection.execute(_LAG).fetchone()
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        return f"replica lag cannot be read: {error}"
    if row is not None and row[2]:
        return f"replica {row[0]} is catching up"
    if row is None or row[1] <= limit:
        return None
    return f"replica {row[0]} is {row[1] / timedelta(seconds=1):.1f} s behind"
