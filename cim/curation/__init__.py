"""Curation: which pairs of image and text are kept, why the others are not, and which texts go to other images."""
