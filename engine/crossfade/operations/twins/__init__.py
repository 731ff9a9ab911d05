"""Columns that take the place of others: the exchange, what travels, and the kinds that are made of it."""
