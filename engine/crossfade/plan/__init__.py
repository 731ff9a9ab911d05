"""What an engineer wrote: the typed model of a plan, YAML with positions, JSON Schema, digest.

Importing this package loads nothing; take `load_plan` from `crossfade.plan.load`.
"""
