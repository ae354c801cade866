"""Every number of the formula: its unit, why it has this value, and how to set another.

"Measured" names the data that a default was tried on: a public seven-day burst of 515,538 shares,
mentions and replies, and a held-out message network of 80 days.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Final

from schemas.errors import BadSettingError

HOUR_S: Final = 3_600.0
DAY_S: Final = 86_400.0


def _number(default: float, unit: str, reason: str, least: float = 0.0) -> float:
    value: float = field(default=default, metadata={"unit": unit, "reason": reason, "least": least})
    return value


_POSITIVE: Final = math.ulp(0.0)


@dataclass(frozen=True, slots=True)
class Parameters:
    """The formula's numbers; the letter of each in the formula stands first in its reason."""

    weight_like: float = _number(0.5, "mass", "c: half a share; reasoned, not fitted")
    weight_share: float = _number(1.0, "mass", "c: the unit; measured, 2 costs .010 NDCG@50")
    weight_mention: float = _number(1.0, "mass", "c: measured, 2 is noise")
    weight_reply: float = _number(1.0, "mass", "c: measured, 2 is noise")
    half_life_short_s: float = _number(DAY_S, "s", "h_1: three half-lives approximate a 1/age memory", _POSITIVE)
    half_life_middle_s: float = _number(7 * DAY_S, "s", "h_2: shorter mixes fall 30 points a day", _POSITIVE)
    half_life_long_s: float = _number(30 * DAY_S, "s", "h_3: carries what a pause must not erase", _POSITIVE)
    fair_volume: float = _number(50.0, "acts", "V0: 35 acts a day for ever count in full", _POSITIVE)
    volume_half_life_s: float = _number(DAY_S, "s", "H_V: beyond V0 a spammer's total grows as ln n", _POSITIVE)
    pair_capacity: float = _number(2.0, "mass", "C: what one person grants another at once; 1..3 alike", _POSITIVE)
    pair_half_life_s: float = _number(DAY_S, "s", "H_P: at most h_1, or being liked earlier could lower you", _POSITIVE)
    bond_half_life_s: float = _number(7 * DAY_S, "s", "H_R: measured, 30 d predicts worse", _POSITIVE)
    bond_weight: float = _number(0.25, "1", "rho: mutual mass as a share of influence; neutral to prediction")
    tau_s: float = _number(7 * DAY_S, "s", "tau: tenure that makes an actor established; a step, ramps leak")
    newcomer_limit: float = _number(10.0, "mass", "L0: all that newcomers can ever give; 5 costs .004", _POSITIVE)
    newcomer_gain: float = _number(4.0, "1", "kappa: lets newcomers count more where others vouch; 1..8 alike")
    momentum_half_life_s: float = _number(6 * HOUR_S, "s", "M: foretells the next hours best, shown only", _POSITIVE)
    reach_half_life_s: float = _number(30 * DAY_S, "s", "D: distinct people of about a month", _POSITIVE)
    gamma: float = _number(0.228, "1", "S = 1 + 99(1 - (1-p)^gamma): mean 19.4, P95 = 50", _POSITIVE)
    rise_per_day: float = _number(10.0, "points", "the shown score's limit upwards", _POSITIVE)
    fall_per_day: float = _number(
        1.1,
        "points",
        "the limit downwards: a week's pause from 50 keeps 42, with 2 it kept 36; costs .006 NDCG@50",
        _POSITIVE,
    )
    provisional_s: float = _number(7 * DAY_S, "s", "after first being scored a higher target lifts at once")
    unscored_raw: float = _number(0.01, "mass", "below it a user has score 1 and enters no calibration", _POSITIVE)
    pair_floor: float = _number(0.01, "mass", "a side of a pair slot whose masses are below reads as empty")
    max_admirers: float = _number(4096.0, "slots", "one-way slots kept per user, oldest out", 1.0)


PROFILES: Final[Mapping[str, Parameters]] = {
    "default": Parameters(),
    "burst": Parameters(tau_s=DAY_S),
}
"""`burst` is for data of a few days, where a tenure of a week would leave everybody a newcomer."""


def digest(parameters: Parameters) -> str:
    """Return 8 hex digits that differ between different formulas and never between processes."""
    text = ";".join(f"{item.name}={getattr(parameters, item.name)!r}" for item in fields(parameters))
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def model_name(profile: str, parameters: Parameters) -> str:
    """Return what scores carry so that two formulas are never compared unknowingly.

    >>> model_name("default", PROFILES["default"]).startswith("default@")
    True
    """
    return f"{profile}@{digest(parameters)}"


def with_settings(parameters: Parameters, settings: Mapping[str, object]) -> Parameters:
    """Return `parameters` with some set anew; raise BadSettingError for an unknown name or a wrong value."""
    known = {item.name: float(item.metadata["least"]) for item in fields(parameters)}
    for name in settings:
        if name not in known:
            raise BadSettingError(name, settings[name], f"unknown parameter; one of {', '.join(known)}")
    values = {name: _checked(name, value, known[name]) for name, value in settings.items()}
    return _consistent(replace(parameters, **values))


def named(profile: str, settings: Mapping[str, object] | None = None) -> Parameters:
    """Return the profile's parameters with `settings` on top; raise BadSettingError for a wrong one."""
    if profile not in PROFILES:
        raise BadSettingError("profile", profile, f"unknown profile; one of {', '.join(PROFILES)}")
    return with_settings(PROFILES[profile], settings or {})


def _checked(name: str, value: object, least: float) -> float:
    try:
        number = float(str(value))
    except ValueError as error:
        raise BadSettingError(name, value, "send a number") from error
    if not (math.isfinite(number) and number >= least):
        bound = "above 0" if least == _POSITIVE else f"of at least {least:g}"
        raise BadSettingError(name, value, f"send a finite number {bound}")
    return number


def _consistent(parameters: Parameters) -> Parameters:
    p = parameters
    shortest = min(p.half_life_short_s, p.half_life_middle_s, p.half_life_long_s, p.bond_half_life_s)
    if p.pair_half_life_s > shortest:
        remedy = f"at most the shortest memory ({shortest:g}), or being liked earlier could lower a score"
        raise BadSettingError("pair_half_life_s", p.pair_half_life_s, remedy)
    heaviest = max(p.weight_like, p.weight_share, p.weight_mention, p.weight_reply)
    if heaviest > p.pair_capacity:
        raise BadSettingError("pair_capacity", p.pair_capacity, f"at least the heaviest weight ({heaviest:g})")
    return p
