"""The server: connections, locks, catalog, statements as values."""
