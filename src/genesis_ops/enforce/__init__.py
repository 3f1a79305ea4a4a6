"""Floor 4, do: stop a runner, prove that it stopped, and keep what shows why (runbook, "STOP if FAIL")."""
