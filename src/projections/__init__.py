"""Ledgers (台账): tables folded from the log, readable now, as of and as known at any moment."""
