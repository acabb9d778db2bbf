"""Model folders of every kind: fetched, told apart by their content, and loaded without running anything in them."""
