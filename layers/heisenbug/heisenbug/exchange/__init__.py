"""Where prices and conversions come from; each venue implements the same five verbs."""
