"""`python -m tests.operations.live`: every panel's query asked of a real Prometheus that watches the real pipeline."""
