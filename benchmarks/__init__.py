"""Measurements; each prints a table with a calibration of the machine it ran on."""
