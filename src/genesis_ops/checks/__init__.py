"""Judge: small pure functions from evidence to results (contract §7 to §9)."""
