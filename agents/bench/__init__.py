"""Measurements of Renown on the machine at hand, each on a stack of its own that is gone afterwards."""
