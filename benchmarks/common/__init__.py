"""What several benchmarks use: clocks, memory, tables in documents, a copy of the project to run in."""
