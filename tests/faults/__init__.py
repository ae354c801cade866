"""Tests of the fault suite, most of them on a real Kafka and a real Redis."""
