"""What is done to a pipeline, by what it is done to; each function injects its fault and waits for the recovery."""
