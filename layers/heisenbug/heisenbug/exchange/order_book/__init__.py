"""Venues with order books, through ccxt, which only a deployment for one of them has."""
