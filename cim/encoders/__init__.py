"""Encoders: captions and images to unit vectors; loaded, fetched or fitted here."""
