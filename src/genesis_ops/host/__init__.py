"""Floor 5, do: this machine as a server: its plan, its lock, its steps and the way back, its units and timers."""
