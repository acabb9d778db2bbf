"""Finished shards written again with other texts, without a model."""
