-- Put something into the outbox, once however many look.
INSERT INTO crossfade.notifications (run_id, target, event, occurrence, payload)
VALUES (%(run_id)s, %(target)s, %(event)s, %(occurrence)s, %(payload)s)
ON CONFLICT (run_id, target, occurrence) DO NOTHING
