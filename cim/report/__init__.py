"""The before/after table and the self-contained HTML report."""
