"""Reading scores back: Redis alone answers; Kafka only adds names to explanations."""
