"""Sources to WebDataset shards: check, deduplicate, split, write, read."""
