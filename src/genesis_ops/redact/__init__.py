"""Floor 2, know: what a secret looks like wherever it stands, and how it is kept out of what is written."""
