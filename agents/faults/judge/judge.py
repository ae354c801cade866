"""The verdict: input, tables, scores, dead letters and Redis read and compared, nothing taken on Renown's word."""

from __future__ import annotations

import numpy as np

from agents.faults.judge.deployment import Deployment
from agents.faults.judge.ledger import ledger_of
from agents.faults.judge.letters import check_letters
from agents.faults.judge.log import bounds, client, lags, records
from agents.faults.judge.readable import check_earned, check_readable
from agents.faults.judge.scores import newest_scores
from agents.faults.judge.served import Served, served
from agents.faults.judge.table import Table, table_of
from agents.faults.judge.tallies import check_counts
from agents.faults.judge.verdict import FAULTS, Findings, Verdict


def judge(deployment: Deployment, poisoned: frozenset[str] = frozenset()) -> Verdict:
    """Return whether the deployment, at rest, holds exactly what its input says.

    `poisoned` are ids of acts whose pricing is known to fail: they must have a dead letter and count nowhere.
    Raises KafkaException or redis-py's errors when something cannot be read: no verdict is better than half a one.
    """
    findings, engagements = Findings(), deployment.topic("engagements")
    _check_progress(deployment, findings)
    ledger = ledger_of(records(deployment, engagements, deployment.partitions), deployment, poisoned)
    table = table_of(records(deployment, deployment.changelog, deployment.partitions), findings)
    newest = newest_scores(records(deployment, deployment.topic("scores"), deployment.partitions), findings)
    letters = check_letters(records(deployment, deployment.topic("dead-letters"), 1), engagements, ledger, findings)
    found = served(deployment)
    sums = check_counts(ledger, table, findings)
    check_readable(newest, found, findings)
    check_earned(newest, table, ledger, findings)
    _check_rest(deployment, table, found, findings)
    faults = {name: findings.counts[name] for name in FAULTS if name not in {"lost", "doubled"}}
    return Verdict(
        records=ledger.records,
        events=ledger.events,
        repeats=ledger.repeats,
        rerouted=ledger.rerouted,
        refused=dict(ledger.refused),
        poisoned=len(ledger.poisoned),
        undone=ledger.undone,
        counted=min(sums["counted_received"] + ledger.undone, sums["counted_given"]),
        lost=max(sums["lost_received"], sums["lost_given"]),
        lost_received=sums["lost_received"],
        lost_given=sums["lost_given"],
        doubled=max(sums["doubled_received"], sums["doubled_given"]),
        doubled_received=sums["doubled_received"],
        doubled_given=sums["doubled_given"],
        users=len(table.users),
        letters=letters[0],
        letters_repeated=letters[1],
        scores=len(newest),
        examples=dict(findings.examples),
        **faults,
    )


def _check_progress(deployment: Deployment, findings: Findings) -> None:
    """Note what is not committed yet, and input that the broker has already deleted."""
    for place, left in lags(deployment):
        if left > 0:
            findings.add("unfinished", f"{place}: {left} records to go", left)
    consumer = client(deployment)
    try:
        topic = deployment.topic("engagements")
        for partition, (first, _) in bounds(consumer, topic, deployment.partitions).items():
            if first > 0:
                findings.add("input_gone", f"{topic}-{partition} begins at {first}", first)
    finally:
        consumer.close()


def _check_rest(deployment: Deployment, table: Table, found: Served, findings: Findings) -> None:
    """Note rows whose newest credit was never sent as a score, and scores that Redis has not applied."""
    for number in np.flatnonzero(table.rows["got_last"] > table.rows["sent_last"]).tolist():
        findings.add("unfinished", f"{table.users[number].decode(errors='replace')}: newest credit not sent as a score")
    consumer = client(deployment)
    try:
        for partition, (first, end) in bounds(consumer, deployment.topic("scores"), deployment.partitions).items():
            left = end - max(first, int(found.meta.get(f"applied:{partition}", "0") or 0))
            if left > 0:
                findings.add("unfinished", f"Redis: {left} scores of partition {partition} to go", left)
    finally:
        consumer.close()
