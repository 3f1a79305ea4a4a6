"""Floor 7, rehearse: the real runner against the sandbox on a virtual clock."""
