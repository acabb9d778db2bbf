"""What captions are worth to whoever pre-trains on them: the same small CLIP on the same images, other texts."""
