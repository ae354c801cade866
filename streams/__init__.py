"""The computation: weighs engagements, keeps every user's decaying state exactly once, and scores it."""
