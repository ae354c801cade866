"""Compiles every kernel of workers and of the scoring agent, or finds it in the cache: `python -m agents.warm`."""

from __future__ import annotations

from agents.scoring.score_scan import warm as warm_scoring
from streams.warm import warm as warm_worker


def warm() -> None:
    """Return when no kernel is left to compile."""
    warm_worker()
    warm_scoring()


if __name__ == "__main__":
    warm()
