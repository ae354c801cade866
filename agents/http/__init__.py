"""What every HTTP server of ours shares: who may ask, what a request may cost, how errors look."""
