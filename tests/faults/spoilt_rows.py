"""What can be wrong in one row of the tables, and what the judge must then find."""

from __future__ import annotations

import numpy as np


def less(row: np.ndarray) -> None:
    """Take one event away."""
    row["received"][0, 0] -= 1


def more_received(row: np.ndarray) -> None:
    """Count one event twice."""
    row["received"][0, 1] += 1


def more_given(row: np.ndarray) -> None:
    """Count one event twice on the giving side."""
    row["given"][0, 2] += 1


def another_kind(row: np.ndarray) -> None:
    """Count an event under another kind."""
    row["received"][0] += np.array([-1, 1, 0, 0], np.int64).astype(np.uint32)


def another_day(row: np.ndarray) -> None:
    """Count one event more in the days alone."""
    row["days"][0, row["day"][0] % 7, 0] += 1


def unsent(row: np.ndarray) -> None:
    """Have a credit that was never sent as a score."""
    row["got_last"] += 1


def another_score(row: np.ndarray) -> None:
    """Remember having sent another score."""
    row["sent_score"] += 0.1


def undo_ignored(row: np.ndarray) -> None:
    """Count an act that was taken back, wherever acts are counted."""
    row["received"][0, 3] += 1
    row["days"][0, row["day"][0] % 7, 3] += 1


def undo_obeyed_twice(row: np.ndarray) -> None:
    """Take an act back once more, wherever acts are counted."""
    row["received"][0, 3] -= 1
    row["days"][0, row["day"][0] % 7, 3] -= 1


ROWS = [
    (undo_ignored, {"doubled": 1, "users_wrong": 1, "rows_unlike_scores": 1}),
    (undo_obeyed_twice, {"lost": 1, "users_wrong": 1, "rows_unlike_scores": 1}),
    (less, {"lost": 1, "users_wrong": 1}),
    (more_received, {"doubled": 1, "users_wrong": 1}),
    (more_given, {"doubled": 1, "users_wrong": 1}),
    (another_kind, {"lost": 1, "doubled": 1, "users_wrong": 1}),
    (another_day, {"rows_unlike_scores": 1}),
    (another_score, {"rows_unlike_scores": 1}),
    (unsent, {"unfinished": 1}),
]
