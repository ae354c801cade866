"""Following one engagement through the pipeline, by what Kafka and Redis hold: nothing is written for it."""
