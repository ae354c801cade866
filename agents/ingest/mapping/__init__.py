"""Webhooks of any service as engagements, by a mapping in a TOML file: `example.toml` says what each part means."""
