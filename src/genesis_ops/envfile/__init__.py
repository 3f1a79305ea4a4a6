"""Floor 1, know: the ``.env`` file as systemd reads it, and where a shell or python-dotenv would differ."""
