"""Pretrained image models, frozen: their weights, and their outputs computed once a picture for all stages."""
