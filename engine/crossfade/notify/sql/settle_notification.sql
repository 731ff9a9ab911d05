-- Note what became of one try, unless it was taken by another process meanwhile.
UPDATE crossfade.notifications
SET state = %(state)s, last_error = %(last_error)s,
    next_at = clock_timestamp() + make_interval(secs => %(seconds)s),
    sent_at = CASE WHEN %(state)s = 'sent' THEN clock_timestamp() END
WHERE id = %(id)s AND attempts = %(attempts)s AND state = 'sending'
