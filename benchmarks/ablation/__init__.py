"""What each part of the method changes: variants of one run, tabulated with intervals."""
