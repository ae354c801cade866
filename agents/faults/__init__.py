"""Faults on purpose: every way to break a deployment, and a judge who finds out whether anything came of it."""
