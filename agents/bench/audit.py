"""Whether the tables hold exactly what was sent, user by user and kind by kind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import orjson

from agents.bench.errors import InexactError
from agents.bench.rig import Rig
from agents.bench.synthetic import Engagements
from schemas.kinds import KINDS

Table = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Audit:
    """Events sent, events that the tables count on either side, users whose counts differ from those sent."""

    sent: int
    counted_received: int
    counted_given: int
    users_wrong: int

    def require(self) -> None:
        """Raise InexactError when anything differs."""
        exact = self.sent == self.counted_received == self.counted_given
        if not exact or self.users_wrong:
            raise InexactError(
                f"sent {self.sent:,} engagements, counted {self.counted_received:,} received and "
                f"{self.counted_given:,} given, {self.users_wrong:,} users differ"
            )


def audit(rig: Rig, engagements: Engagements) -> Audit:
    """Return what `renown counts` says about `engagements`, all of which must be drained."""
    users = len(engagements.users)
    codes = {user.decode(): code for code, user in enumerate(engagements.users)}
    received, given = np.zeros((users, len(KINDS)), np.int64), np.zeros((users, len(KINDS)), np.int64)
    strangers = 0
    for line in rig.run("counts").splitlines():
        found = orjson.loads(line)
        code = codes.get(found["user"])
        if code is None:
            strangers += 1
            continue
        received[code] = [found["received"][kind] for kind in KINDS]
        given[code] = [found["given"][kind] for kind in KINDS]
    wrong = (received != _tally(engagements.targets, engagements)) | (given != _tally(engagements.actors, engagements))
    users_wrong = int(wrong.any(axis=1).sum()) + strangers
    return Audit(len(engagements), int(received.sum()), int(given.sum()), users_wrong)


def _tally(users: Table, engagements: Engagements) -> Table:
    """Return i8[users, kinds]: how often each user occurs."""
    width = len(KINDS)
    cells = users * width + engagements.kinds
    return np.bincount(cells, minlength=len(engagements.users) * width).reshape(-1, width)
