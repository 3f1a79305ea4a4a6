"""Floor 1, know: the API server, the exchange, the clock and systemd, as they really answer."""
