"""Do units that score higher have better outcomes and lower costs? Unit scores joined to patients and money."""
