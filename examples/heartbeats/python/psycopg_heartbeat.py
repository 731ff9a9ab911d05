"""Heartbeats by psycopg 3, each on a short connection of its own: a pool that is used up delays none."""

import psycopg
from heartbeat import Instance

# One statement outside of a transaction block: its locks are gone as soon as it is answered, and a pooler in
# transaction mode has nothing to keep. The time-out counts for this statement only.
CAN_I_RUN = "SELECT crossfade.can_i_run(%s, %s) FROM set_config('lock_timeout', '5s', true)"
HEARTBEAT = "SELECT crossfade.heartbeat(%s, %s, %s) FROM set_config('lock_timeout', '5s', true)"


class PsycopgDatabase:
    def __init__(self, url: str, me: Instance) -> None:
        self.url = url
        self.me = me

    def can_i_run(self) -> bool:
        return self._ask(CAN_I_RUN, self.me.app, self.me.version)

    def heartbeat(self) -> bool:
        return self._ask(HEARTBEAT, self.me.app, self.me.version, self.me.name)

    def _ask(self, statement: str, *values: str) -> bool:
        with psycopg.connect(
            self.url,
            autocommit=True,
            application_name=self.me.application_name,
            connect_timeout=5,
            tcp_user_timeout=5000,
        ) as connection:
            return connection.execute(statement, values).fetchone()[0]
