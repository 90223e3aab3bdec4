"""What storage remembers of events: the ledger and its outbox, receipts, and what waits, died or was turned away."""
