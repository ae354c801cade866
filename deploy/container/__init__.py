"""The image: one for every service, without root's rights, on a root that nobody can write."""
