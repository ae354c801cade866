"""Which law fails under which fault: every mutant of the model, and the property tests that must see it.

A test is `module:function` of `tests/property`. A mutant replaces text that stands exactly once in a file of
`streams/model`, so that an edit which moves it is noticed.
"""

from __future__ import annotations

from typing import Final, NamedTuple

ARRIVAL, ORDER, SCORES, REFERENCE, UNDO = (
    "test_laws_of_arrival",
    "test_laws_of_order",
    "test_laws_of_scores",
    "test_reference_agreement",
    "test_laws_of_undo",
)
MODULES: Final = (ARRIVAL, ORDER, SCORES, REFERENCE, UNDO)


class Mutant(NamedTuple):
    """A fault: `laws` by number ("" = agreement with the reference or a promise without one)."""

    laws: tuple[str, ...]
    file: str
    old: str
    new: str
    killed_by: tuple[str, ...]


MUTANTS: Final = {
    "a received act costs what newcomers gave before": Mutant(
        ("1",),
        "target.py",
        "        row.new[j] *= left\n",
        "        row.new[j] *= left * 0.1\n",
        (
            f"{ARRIVAL}:test_no_arriving_act_lowers_anybody",
            f"{ARRIVAL}:test_no_arriving_act_lowers_a_target_score_under_a_frozen_calibration",
        ),
    ),
    "a faded side is forgotten whatever arrives": Mutant(
        ("1",),
        "actor.py",
        " and given <= fresh\n",
        "\n",
        (f"{ARRIVAL}:test_a_diluted_act_on_a_faded_relationship_lowers_nobody",),
    ),
    "every second act counts against its target": Mutant(
        ("2",),
        "target.py",
        "_earn(row, kinds[i], at[i], grants[i], ",
        "_earn(row, kinds[i], at[i], grants[i] * (1.0 - 2.0 * (row.received.sum() % 2)), ",
        (
            f"{ARRIVAL}:test_one_more_received_act_never_lowers_its_target",
            f"{ARRIVAL}:test_one_more_received_act_never_lowers_its_target_in_a_fast_exchange",
        ),
    ),
    "a second act is beyond fair use": Mutant(
        ("3",),
        "actor.py",
        "c.fair_volume / volume",
        "1.0 / volume",
        (f"{ARRIVAL}:test_one_more_given_act_lowers_nobody",),
    ),
    "who gives a lot receives less": Mutant(
        ("3b",),
        "target.py",
        "_earn(row, kinds[i], at[i], grants[i], ",
        "_earn(row, kinds[i], at[i], grants[i] / (1.0 + 0.001 * row.given.sum()), ",
        (f"{ARRIVAL}:test_a_giver_keeps_own_influence_at_any_volume",),
    ),
    "dilution is squared": Mutant(
        ("4",),
        "actor.py",
        "min(1.0, c.fair_volume / volume)",
        "min(1.0, c.fair_volume / volume) ** 2",
        (
            f"{ARRIVAL}:test_one_more_act_dilutes_later_gifts_to_others_by_two_percent_at_most",
            f"{REFERENCE}:test_kernels_equal_the_reference_beyond_fair_use",
        ),
    ),
    "a pair has no cap": Mutant(
        ("7",),
        "actor.py",
        "weight * max(0.0, 1.0 - (0.0 if empty else granted) / c.pair_capacity)",
        "weight",
        (
            f"{ARRIVAL}:test_one_person_never_counts_above_the_pair_cap",
            f"{ARRIVAL}:test_fifty_who_like_once_beat_one_with_a_hundred_likes",
        ),
    ),
    "newcomers count in full": Mutant(
        ("9",),
        "scoring.py",
        "return known + new * limit / (new + limit)",
        "return known + new",
        (f"{ARRIVAL}:test_newcomers_alone_never_give_more_than_their_limit",),
    ),
    "the tail of the map turns down": Mutant(
        ("10",),
        "calibration.py",
        "y[-1] + one.tail_slope",
        "y[-1] - one.tail_slope",
        (f"{SCORES}:test_more_mass_is_never_less_score",),
    ),
    "an empty map scores everybody": Mutant(
        ("",),
        "calibration.py",
        "return np.zeros(len(masses))",
        "return np.ones(len(masses))",
        (f"{SCORES}:test_an_empty_population_has_only_the_unscored",),
    ),
    "a merge moves everybody down a bin": Mutant(
        ("",),
        "calibration.py",
        "np.add.at(counts, np.asarray(one.bins, np.int64), np.asarray(one.counts, np.int64))",
        "np.add.at(counts, np.asarray(one.bins, np.int64) - 1, np.asarray(one.counts, np.int64))",
        (f"{SCORES}:test_histograms_merge_exactly",),
    ),
    "ranks are a tenth too low": Mutant(
        ("",),
        "calibration.py",
        "ranks = -np.expm1(-depths) * users",
        "ranks = -np.expm1(-depths) * users * 0.9",
        (f"{SCORES}:test_scores_follow_exact_ranks",),
    ),
    "shown scores fall ten times as fast": Mutant(
        ("12",),
        "shown.py",
        "shown - parameters.fall_per_day * days",
        "shown - 10 * parameters.fall_per_day * days",
        (
            f"{SCORES}:test_shown_scores_keep_their_speed_limit",
            f"{SCORES}:test_a_week_without_anything_takes_at_most_eight_points_of_fifty",
        ),
    ),
    "only targets below fifty lift": Mutant(
        ("12",),
        "shown.py",
        "scored & (target > shown)",
        "scored & (target > shown) & (target < 50)",
        (f"{SCORES}:test_a_higher_target_path_never_shows_a_lower_score",),
    ),
    "a new target is taken to have been in force": Mutant(
        ("12",),
        "shown.py",
        'moved(rows["shown"], rows["target"],',
        'moved(rows["shown"], target,',
        (f"{SCORES}:test_a_new_target_does_not_move_the_score_at_the_instant_it_arrives",),
    ),
    "many short looks move further than a long one": Mutant(
        ("12",),
        "shown.py",
        "np.maximum(elapsed_s, 0.0) / DAY_S",
        "np.sqrt(np.maximum(elapsed_s, 0.0) / DAY_S)",
        (f"{SCORES}:test_looking_more_often_shows_the_same_score",),
    ),
    "reach is dated by what arrived last": Mutant(
        ("13",),
        "target.py",
        "row.reach_at = max(row.reach_at, at[i])",
        "row.reach_at = at[i]",
        (
            f"{ORDER}:test_any_interleaving_of_actors_gives_the_same_state",
            f"{REFERENCE}:test_kernels_equal_the_reference_on_late_acts",
        ),
    ),
    "acts that the log delivers again count again": Mutant(
        ("",),
        "actor.py",
        "offsets[i] < row.given_last",
        "offsets[i] < 0",
        (f"{ORDER}:test_replayed_acts_and_credits_change_nothing",),
    ),
    "long memories weigh most": Mutant(
        ("",),
        "constants.py",
        "alphas=alphas",
        "alphas=alphas[::-1]",
        (f"{REFERENCE}:test_kernels_equal_the_reference_on_acts_in_order",),
    ),
    "the first instant of 1970 is taken for never": Mutant(
        ("",),
        "actor.py",
        "-np.inf if empty else slot.given_at",
        "-np.inf if empty or slot.given_at == 0.0 else slot.given_at",
        (f"{REFERENCE}:test_kernels_equal_the_reference_from_the_first_instant_of_1970",),
    ),
    "tenure is a week in every profile": Mutant(
        ("",),
        "actor.py",
        ">= c.tau_s",
        ">= 604_800.0",
        (f"{REFERENCE}:test_kernels_equal_the_reference_under_the_burst_profile",),
    ),
    "old events outrank new ones": Mutant(
        ("",),
        "moments.py",
        "float(np.log2(mass)) + at / half_life_s",
        "float(np.log2(mass)) - at / half_life_s",
        (f"{REFERENCE}:test_top_events_are_the_heaviest_by_the_kept_order",),
    ),
    "an undo leaves what newcomers gave": Mutant(
        ("5",),
        "undo.py",
        "            row.new[j] = without(row.new[j], row.mass_at, grant, at, h)\n",
        "            pass\n",
        (
            f"{UNDO}:test_kernels_equal_the_reference_when_acts_are_taken_back",
            f"{UNDO}:test_an_undo_takes_back_what_was_granted_and_no_more",
            f"{UNDO}:test_cycles_of_act_and_undo_gain_nothing",
        ),
    ),
    "an undo costs a third person": Mutant(
        ("6",),
        "undo.py",
        "        row.given_last = offsets[i] + 1\n",
        "        row.given_last = offsets[i] + 1\n        for u in range(5):\n            rows[u].momentum *= 0.5\n",
        (f"{UNDO}:test_an_undo_lowers_only_the_two_concerned",),
    ),
    "an undo takes back what was done last": Mutant(
        ("",),
        "granted.py",
        "        number = number_of(",
        "        number = self._end - 1 or number_of(",
        (f"{UNDO}:test_partitions_decide_alike_on_undos",),
    ),
    "an act that was taken back stays a moment": Mutant(
        ("",),
        "undo.py",
        "        if row.top_ref[i] == ref:\n",
        "        if row.top_ref[i] == -ref:\n",
        (f"{UNDO}:test_counts_and_moments_are_those_of_acts_not_taken_back",),
    ),
    "the window is twice as long": Mutant(
        ("",),
        "granted.py",
        'float(entry["at"]) > self.window_s',
        'float(entry["at"]) > 2 * self.window_s',
        (f"{UNDO}:test_beyond_the_window_nothing_is_guessed",),
    ),
}
NOT_ABOUT_THE_MODEL: Final = {f"{ORDER}:test_every_compared_field_exists"}
"""It guards the comparison itself: no fault of the model can fail it."""
