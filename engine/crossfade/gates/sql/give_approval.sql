-- Bound to what the run is now; the digest that it is bound to.
INSERT INTO crossfade.approvals (run_id, phase, digest, approver, role, reason, withdraws)
VALUES (%(run_id)s, %(phase)s, crossfade.approved_digest(%(run_id)s), %(approver)s, %(role)s, %(reason)s, %(withdraws)s)
RETURNING digest
