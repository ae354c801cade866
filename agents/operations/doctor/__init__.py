"""The doctor: looks at everything that a deployment stands on, changes nothing, and says what to do."""
