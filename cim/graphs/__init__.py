"""What a caption says, as objects, attributes and relations, and how far two captions say the same."""
