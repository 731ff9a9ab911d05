"""A real replica that falls behind stops the batches, which go on by themselves once it has caught up."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from crossfade.observe.events import BatchDone, Throttled

from ..fixtures.replica import replica
from .filling import COUNTED, KEYED, rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from crossfade.observe.events import Event

    from ..fixtures.replica import Replica
    from ..fixtures.servers import Server
    from .filling import Filling

SLOW = """
CREATE FUNCTION take_time() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.01); RETURN NEW; END $$;
CREATE TRIGGER take_time BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION {schema}.take_time();
"""


class Delay:
    """Delays the replica after some batches, and lets it catch up once nothing was done for a while."""

    def __init__(self, filling: Filling, standby: Replica) -> None:
        self.filling = filling
        self.standby = standby
        self.stopped_after: list[int] = []
        self.shown: list[str] = []

    def hear(self, event: Event) -> None:
        self.filling.emitted.append(event)
        if isinstance(event, BatchDone) and len(self.filling.sizes) == 5:
            self.standby.delay("1h")
        elif isinstance(event, Throttled) and event.reason is not None:
            threading.Thread(target=self.look_then_release).start()

    def look_then_release(self) -> None:
        with self.filling.other(autocommit=True) as other:
            # The batch that was in hand when the reason came may still end.
            time.sleep(0.5)
            for _ in range(5):
                self.stopped_after.append(len(self.filling.sizes))
                found = other.execute(
                    "SELECT throttled_by FROM crossfade.backfills WHERE run_id = %s", [self.filling.run_id]
                ).fetchone()
                self.shown.append(str(found and found[0]))
                time.sleep(0.3)
        self.standby.delay("0")


@pytest.mark.long
def test_a_replica_past_its_limit_stops_the_batches_and_they_go_on_when_it_has_caught_up(
    start: Callable[..., Filling], server: Server
) -> None:
    filling = start(KEYED + rows(600) + COUNTED + SLOW)
    with replica(server) as standby:
        delay = Delay(filling, standby)
        with filling.control(emit=delay.hear, batch_rows=10, max_rows=10, max_replica_lag="500ms") as control:
            from crossfade.backfill.drive import fill

            fill(filling.job(control, token=filling.token))
    assert len(set(delay.stopped_after)) == 1, "no batch was done meanwhile"
    assert all("replica replica_1 is" in reason for reason in delay.shown), "the reason is shown throughout"
    assert filling.updates() == dict.fromkeys(range(1, 601), 1)
