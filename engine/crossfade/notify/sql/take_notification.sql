-- Take the oldest notification that is due for one of these targets, for so many seconds. Nobody waits for a row that
-- another process takes at the same moment.
UPDATE crossfade.notifications n
SET state = 'sending', attempts = n.attempts + 1, next_at = clock_timestamp() + make_interval(secs => %(seconds)s)
WHERE n.id = (
    SELECT w.id
    FROM crossfade.notifications w
    WHERE w.state IN ('waiting', 'sending') AND w.next_at <= clock_timestamp() AND w.target = ANY (%(targets)s)
    ORDER BY w.id
    LIMIT 1
    FOR UPDATE SKIP LOCKED
)
RETURNING n.id, n.target, n.payload, n.delivery, n.attempts
