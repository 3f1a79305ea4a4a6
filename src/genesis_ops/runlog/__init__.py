"""Floor 1, know: every line of the runner log, how it is written and how it is read."""
