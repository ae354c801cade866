"""Attacks on the score, injected into recorded streams: what they gain, what they cost, whom they hurt."""
