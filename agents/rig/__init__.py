"""Whole pipelines as child processes, for tests, benchmarks and fault suites."""
