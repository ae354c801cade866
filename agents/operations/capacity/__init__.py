"""How much a deployment needs: measured costs of an event, a user, a pair and a score, and what follows from them."""
