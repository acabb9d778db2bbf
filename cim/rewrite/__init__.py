"""Finished shards written again: the same images with other texts, which remix draws and refine makes."""
