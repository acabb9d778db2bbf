"""Where images come from: a source of any kind is a plan of parts, and a part yields items."""
