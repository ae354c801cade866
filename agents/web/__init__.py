"""Scores over HTTP: the API for programs and the page for people, read from Redis by one process."""
