"""Heartbeats by SQLAlchemy 2, each on a short connection of its own: a pool that is used up delays none."""

from heartbeat import Instance
from sqlalchemy import URL, NullPool, create_engine, text

# One statement outside of a transaction block: its locks are gone as soon as it is answered, and a pooler in
# transaction mode has nothing to keep. The time-out counts for this statement only.
CAN_I_RUN = text("SELECT crossfade.can_i_run(:app, :version) FROM set_config('lock_timeout', '5s', true)")
HEARTBEAT = text("SELECT crossfade.heartbeat(:app, :version, :name) FROM set_config('lock_timeout', '5s', true)")


class SqlalchemyDatabase:
    def __init__(self, url: str | URL, me: Instance) -> None:
        self.me = me
        self._engine = create_engine(
            url,
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
            connect_args={
                "application_name": me.application_name,
                "connect_timeout": 5,
                "tcp_user_timeout": 5000,
            },
        )

    def can_i_run(self) -> bool:
        with self._engine.connect() as connection:
            return connection.execute(CAN_I_RUN, {"app": self.me.app, "version": self.me.version}).scalar_one()

    def heartbeat(self) -> bool:
        given = {"app": self.me.app, "version": self.me.version, "name": self.me.name}
        with self._engine.connect() as connection:
            return connection.execute(HEARTBEAT, given).scalar_one()
