"""A drill with real processes: they are killed and stopped at random instants, and then all is counted."""
