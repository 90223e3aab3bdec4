"""What operators see and do: receipts, quarantine, dead letters, sweep, purge."""
