"""Floor 6, reach: another machine, over the system's own OpenSSH."""
