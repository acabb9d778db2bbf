"""Engines: what turns images into captions, fast and well, behind one small interface."""
