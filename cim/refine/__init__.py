"""Finished captions made better, one small part a method, with the caption before kept beside the new one."""
