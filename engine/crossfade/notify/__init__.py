"""Telling people and programs what happens to a run: webhooks, from the ledger's facts by way of an outbox."""
