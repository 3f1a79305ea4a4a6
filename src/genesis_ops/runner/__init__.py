"""Floor 4, do: the process that polls, evaluates and decides."""
