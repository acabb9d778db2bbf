"""Captioners: made or loaded, prompted, and run."""
