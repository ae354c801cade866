"""Recorded events that come with Renown; see SOURCE.txt."""
