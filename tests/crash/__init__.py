"""The proof: whatever dies, at most one conversion a decision, and every conversion in the history."""
