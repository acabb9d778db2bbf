"""Where images and captions come from, all behind one interface."""
