"""Makes the nodes and the market of a run from its settings."""
