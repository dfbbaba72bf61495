"""Where nodes sit when they live: one seat is one life of a process, without its socket, clock and thread."""
