"""The examples of docs/redis.md, each run against a real Redis that the project's own writer has filled."""
