"""How Renown is run: the local stack of child processes and the shipped images."""
