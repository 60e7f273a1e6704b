"""Arrays in, arrays out: the estimators and nothing else."""
