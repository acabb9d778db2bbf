"""Finished shards and captioners as folders for the Hugging Face hub, with cards made of what was recorded."""
