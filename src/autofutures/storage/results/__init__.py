"""Tables of searches: what was tried on which data with which code, and what it gave."""
