"""Floor 4, look: go and look once, and give what was found as frozen evidence."""
