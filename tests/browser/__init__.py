"""The page in a real Chromium: run by `make browser`, not by `make test`, for it needs a browser on the machine."""
