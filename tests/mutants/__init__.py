"""Faults of the model, and which property test must see each."""
