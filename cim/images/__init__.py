"""Image bytes: what they are, whether they can be used, their pixels and their ids."""
