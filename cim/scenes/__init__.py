"""Generated scenes with exact ground truth: the embedded default data."""
