-- How far the archiver is, and how far the WAL.
SELECT
    a.last_archived_wal AS last_archived,
    a.last_failed_wal AS last_failed,
    coalesce(a.last_failed_time > a.last_archived_time, a.last_failed_time IS NOT NULL) AS fails,
    pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), '0/0')::pg_catalog.int8 AS written,
    pg_catalog.pg_size_bytes(pg_catalog.current_setting('wal_segment_size')) AS segment
FROM pg_catalog.pg_stat_archiver a
WHERE pg_catalog.current_setting('archive_mode') <> 'off'
