"""What refiners do to captions of scenes, whose facts are known."""
