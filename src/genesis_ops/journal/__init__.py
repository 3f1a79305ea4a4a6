"""Floor 2, know: the journal of orders, which alone tells what was sent; the state file is a cache of it."""
