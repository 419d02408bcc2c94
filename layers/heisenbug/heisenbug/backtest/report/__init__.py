"""The report of a backtest: one HTML file that needs nothing but a browser."""
