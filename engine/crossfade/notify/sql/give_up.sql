-- What could not be sent within a day says nothing new any more.
UPDATE crossfade.notifications
SET state = 'failed', last_error = coalesce(last_error, 'nobody who knows this target was there to send it')
WHERE state IN ('waiting', 'sending') AND created_at < clock_timestamp() - interval '1 day'
