"""What curation finds of what is planted: `python -m benchmarks.curation`."""
