"""Any corpus as planned input shards, and shards for pre-training in img2dataset's layout."""
