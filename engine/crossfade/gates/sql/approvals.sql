-- Every word of people about a phase, the latest first.
SELECT a.approver, a.role, a.reason, a.digest, a.at, a.db_user, a.withdraws
FROM crossfade.approvals a
WHERE a.run_id = %(run_id)s AND a.phase = %(phase)s
ORDER BY a.id DESC
