"""Vectors of whole splits on disk, a file a shard."""
