"""Floor 1, know: the runner's state file and the locks around it."""
