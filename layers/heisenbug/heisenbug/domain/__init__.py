"""What the bot knows and decides: pure, without I/O, clock, randomness or environment."""
