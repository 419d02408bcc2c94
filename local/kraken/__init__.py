"""A simulated exchange with order books that speaks Kraken's REST protocol."""
