"""What prices a market had: recorded in a file, or generated; history for backtests and for the simulated exchange."""
