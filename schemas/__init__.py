"""Renown's contracts: what travels between programs, as pure declarations.

Nothing in this package does I/O or reads a clock. Reading order: `engagement`, `credit`, `score`,
then the topics (`topics`), tables (`rows`) and Redis keys (`redis_keys`) that carry them.
"""
