"""Clinical microsystems from survey export to paper."""
