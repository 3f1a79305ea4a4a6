"""Floor 3, show: facts in, text for people out."""
