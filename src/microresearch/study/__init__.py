"""A study as a whole: its file, its notebooks, its one door into results/."""
