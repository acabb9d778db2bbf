"""`python -m cim.score`: what captions earn, and what they retrieve."""
