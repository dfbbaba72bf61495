"""The machine's own nodes over a recorded or generated market, and what the run was worth."""
