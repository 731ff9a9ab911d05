"""One plan over many databases: tenants and shards, each with a ledger of its own; and slices of work for a queue."""
