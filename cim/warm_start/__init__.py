"""The base captioner: made or fetched, its vision aligned, then warm-started on the train captions."""
