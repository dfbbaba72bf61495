"""The machine's own nodes over a recorded or generated market, and what that run was worth: figures and a page."""
