"""The scoring agent: the scores topic into Redis, newest wins."""
