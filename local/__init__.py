"""What stands in for the outside world on a laptop: the simulated exchange and its markets."""
