"""Model folders of every kind: fetched, identified by their content, and loaded without running anything in them."""
