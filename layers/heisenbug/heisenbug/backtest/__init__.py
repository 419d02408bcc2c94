"""History through the same decision, the same conversions and the same ledger as live."""
