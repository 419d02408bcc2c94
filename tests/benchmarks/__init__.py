"""What the documents claim, measured: CPU time, not wall time; medians of several runs; no timed tests."""
