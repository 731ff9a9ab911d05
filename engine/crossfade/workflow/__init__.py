"""The state machine, the runner that performs its effects, and the ledger that remembers them."""
