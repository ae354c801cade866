"""Who may come in, and how fast: API keys and token buckets."""
