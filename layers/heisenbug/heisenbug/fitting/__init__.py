"""What can be learned from a market's past: history as arrays, forecasters fitted walk-forward, how well they claim."""
