"""Floor 6, keep: what was seen, written down for people: snapshots, bundles, daily summaries."""
