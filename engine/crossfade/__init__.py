"""crossfade: zero-downtime expand/contract schema changes for PostgreSQL."""

__version__ = "0.1.0"
