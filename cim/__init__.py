"""Cross-modal Identity Mapping: a pure library, free of Prefect and DVC."""

__version__ = "0.1.0"
