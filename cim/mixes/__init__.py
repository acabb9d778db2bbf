"""Which of an image's texts a trainer is given, and how much of it."""
