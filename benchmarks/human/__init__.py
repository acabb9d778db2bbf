"""How far the reward and its parts agree with what experts say of captions of photos."""
