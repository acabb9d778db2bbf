"""What several benchmarks use: timing, memory, tables in documents, a copy of the project to run in."""
