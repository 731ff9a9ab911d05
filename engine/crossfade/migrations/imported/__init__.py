"""Migrations of other tools as plans: what each comes to, in which plans, and what stands in their files. Pure.

`parts` puts the changes of a migration into plans, `sources` says where each came from, `plan_files` writes them.
`certain` settles a doubt by what the tool's own schema says, and `halves` parts a migration in two.
"""

from __future__ import annotations

from crossfade.migrations.imported.halves import Half, Whole, halves
from crossfade.migrations.imported.origin import Origin, Step
from crossfade.migrations.imported.plan_files import Imported, PlanFile, imported

__all__ = ["Half", "Imported", "Origin", "PlanFile", "Step", "Whole", "halves", "imported"]
