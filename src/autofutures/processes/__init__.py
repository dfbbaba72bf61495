"""The processes of a run: one file, one process. Each reads the run's folder, and nothing else."""
