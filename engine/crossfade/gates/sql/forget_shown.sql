-- What is not there any more has to be taken note of anew when it comes back.
DELETE FROM crossfade.shown
WHERE run_id = %(run_id)s AND phase = %(phase)s AND gate = %(gate)s AND name <> ALL (%(names)s::pg_catalog.text[])
