"""Running the machine: its folder, its processes, and what people ask of it while it runs."""
