"""Sources of engagements: files, HTTP, and what brings them into Kafka."""
