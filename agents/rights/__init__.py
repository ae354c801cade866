"""The table of roles put to work: as ACLs for Kafka and Redis, and as a check before a service starts."""
