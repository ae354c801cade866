"""The edges: engagements in (`ingest`), scores out (`scoring`), look-ups (`lookup`), and the command line."""
