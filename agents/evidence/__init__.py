"""Evidence: does the score foretell who is engaged with next, and does it keep still when nothing happens?"""
