-- On the database's clock from now on.
INSERT INTO crossfade.overrides (run_id, phase, gate, digest, actor, reason, until)
VALUES (%(run_id)s, %(phase)s, %(gate)s, %(digest)s, %(actor)s, %(reason)s, clock_timestamp() + %(lasts)s)
