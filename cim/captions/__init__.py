"""Captions of whole shards: written, read back, and packed into re-captioned shards."""
