"""Live sources: what one is, and what runs every one of them alike."""
