"""The CIM reward: what a caption earns by what it retrieves."""
