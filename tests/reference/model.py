"""The scoring formula, slow and obvious: lists of events, plain floats, one act at a time.

Every decayed amount is a sum over remembered gifts, every relationship the minimum of two such sums taken at
the moment of reading. Nothing here is folded, pooled, indexed or vectorised, and no number is imported.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace

DAY = 86_400.0
WEIGHT = {"like": 0.5, "share": 1.0, "mention": 1.0, "reply": 1.0}
HALF_LIVES = (1 * DAY, 7 * DAY, 30 * DAY)
V0, H_V = 50.0, 1 * DAY
C, H_P = 2.0, 1 * DAY
H_R, RHO = 7 * DAY, 0.25
L0, KAPPA = 10.0, 4.0
H_MOMENTUM, H_REACH = 6 * 3600.0, 30 * DAY
FLOOR = 0.01
GAMMA = 0.228


def dec(amount: float, elapsed: float, half_life: float) -> float:
    """Return x 2^(-max(0, dt)/h), what the formula calls dec."""
    return amount * 2.0 ** (-max(0.0, elapsed) / half_life)


@dataclass
class Side:
    """Gifts of one person to another: (instant, mass), and whether the giver was ever established then."""

    gifts: list[tuple[float, float]] = field(default_factory=list)
    taken_back: list[tuple[float, float]] = field(default_factory=list)
    known: bool = False

    def forget(self) -> None:
        """Be as if nothing had been given."""
        self.gifts.clear()
        self.taken_back.clear()

    def newest(self, at: float = float("-inf")) -> float:
        """Return the newest instant of a gift, or `at` if that is later."""
        return max([at] + [t for t, _ in self.gifts])

    def mass(self, at: float, half_life: float) -> float:
        """Return what is left at `at` of the gifts that were not taken back."""
        return self.granted(at, half_life) - sum(dec(g, at - t, half_life) for t, g in self.taken_back)

    def granted(self, at: float, half_life: float) -> float:
        """Return what is left at `at` of all gifts."""
        return sum(dec(g, at - t, half_life) for t, g in self.gifts)


@dataclass(frozen=True)
class Credit:
    """What an act brought its target."""

    at: float
    actor: str
    kind: str
    established: bool
    grant: float
    novelty: float
    is_undone: bool = False

    @property
    def mass(self) -> float:
        """What the act counts for: nothing once it is taken back."""
        return 0.0 if self.is_undone else self.grant


@dataclass(frozen=True)
class Score:
    """Everything that is read of a user at one instant."""

    raw: float
    relationships: float
    momentum: float
    reach: float
    parts: dict[str, float]


class Reference:
    """All users of one world; `act` in order of arrival, `read` at the newest act or later."""

    def __init__(self, tau: float = 7 * DAY) -> None:
        self.tau = tau
        self.acts: dict[str, list[float]] = defaultdict(list)
        self.given: dict[tuple[str, str], Side] = defaultdict(Side)
        self.got: dict[tuple[str, str], Side] = defaultdict(Side)
        self.credits: dict[str, list[Credit]] = defaultdict(list)

    def act(self, at: float, actor: str, target: str, kind: str) -> Credit:
        """Take in one act, both stages at once; return the credit."""
        self.acts[actor].append(at)
        now = max(self.acts[actor])
        volume = sum(dec(1.0, now - t, H_V) for t in self.acts[actor])
        weight = WEIGHT[kind] * min(1.0, V0 / volume)
        established = at - min(self.acts[actor]) >= self.tau
        grant, novelty = self._give(self.given[actor, target], weight, at)
        credit = Credit(at, actor, kind, established, grant, novelty)
        self._get(self.got[target, actor], credit)
        self.credits[target].append(credit)
        return credit

    def undo(self, actor: str, target: str, credit: Credit) -> None:
        """Take back one act: what it gave is gone wherever it went; that it was done stays."""
        self.credits[target].remove(credit)
        self.credits[target].append(replace(credit, is_undone=True))
        for side in (self.given[actor, target], self.got[target, actor]):
            if (credit.at, credit.grant) in side.gifts:
                side.taken_back.append((credit.at, credit.grant))

    @staticmethod
    def _give(side: Side, weight: float, at: float) -> tuple[float, float]:
        before = side.newest()
        now = side.newest(at)
        m, y = side.granted(now, H_P), side.mass(now, H_R)
        if m < FLOOR and y < FLOOR and y <= dec(weight, now - at, H_R):
            side.forget()
            m, before = 0.0, float("-inf")
        grant = weight * max(0.0, 1.0 - m / C)
        novelty = 1.0 - dec(1.0, at - before, H_REACH)
        side.gifts.append((at, grant))
        if now > at:
            side.gifts.append((now, 0.0))
        return grant, novelty

    @staticmethod
    def _get(side: Side, credit: Credit) -> None:
        now = side.newest(credit.at)
        x = side.mass(now, H_R)
        if x < FLOOR and x <= dec(credit.grant, now - credit.at, H_R):
            side.forget()
            side.known = False
        side.gifts.append((credit.at, credit.grant))
        if now > credit.at:
            side.gifts.append((now, 0.0))
        side.known |= credit.established

    def bonds(self, user: str, at: float) -> tuple[float, float]:
        """Return (RP, RU): what is mutual with the established and with newcomers."""
        known = new = 0.0
        for (giver, other), side in self.given.items():
            if giver != user or (user, other) not in self.got:
                continue
            back = self.got[user, other]
            mutual = min(side.mass(at, H_R), back.mass(at, H_R))
            known, new = (known + mutual, new) if back.known else (known, new + mutual)
        return known, new

    def read(self, user: str, at: float) -> Score:
        """Return the user's score at `at`."""
        inverse = [1.0 / h for h in HALF_LIVES]
        alphas = [x / sum(inverse) for x in inverse]
        by_kind = dict.fromkeys(WEIGHT, 0.0)
        known = new = 0.0
        for c in self.credits[user]:
            mass = sum(a * dec(c.mass, at - c.at, h) for a, h in zip(alphas, HALF_LIVES, strict=True))
            by_kind[c.kind] += mass
            known, new = (known + mass, new) if c.established else (known, new + mass)
        bond_known, bond_new = self.bonds(user, at)
        raw = damped(known + RHO * bond_known, new + RHO * bond_new)
        amounts = {**by_kind, "relationships": RHO * (bond_known + bond_new)}
        whole = sum(amounts.values())
        return Score(
            raw=raw,
            relationships=damped(bond_known, bond_new),
            momentum=sum(dec(c.mass, at - c.at, H_MOMENTUM) for c in self.credits[user]),
            reach=sum(dec(c.novelty, at - c.at, H_REACH) for c in self.credits[user]),
            parts={name: raw * amount / whole if whole else 0.0 for name, amount in amounts.items()},
        )


def damped(known: float, new: float) -> float:
    """Return P + U L/(U + L), L = L0 + kappa P."""
    limit = L0 + KAPPA * known
    return known + new * limit / (new + limit)


def exact_score(mass: float, population: list[float]) -> float:
    """Return the target score by exact rank (middle of equals) among the scored `population`."""
    below = sum(other < mass for other in population)
    equal = sum(other == mass for other in population)
    p = (below + equal / 2) / len(population)
    return 1.0 + 99.0 * (1.0 - (1.0 - p) ** GAMMA)
