"""What Kafka must hold: it answers, lets us in, has the topics as they must be, and is being worked off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Final

from aiokafka.errors import KafkaError

from agents.calibration_feed import read_calibration
from agents.operations.doctor.finding import Finding, fault, well
from agents.operations.monitor.lag import Lag
from agents.rights.kafka_check import require_rights
from agents.topics import differences
from schemas.access import Role
from schemas.errors import RenownError
from streams.engine.preflight import connected
from streams.security import kafka_security

if TYPE_CHECKING:
    from streams.settings import Settings

ANSWER_LIMIT_S: Final = 5.0
LATE_S: Final = 60.0


async def examine(settings: Settings, roles: Sequence[Role]) -> AsyncIterator[Finding]:
    """Yield what was found in turn; nothing further when Kafka does not answer or lacks topics."""
    reached = await _reached(settings)
    yield reached
    if not reached.well:
        return
    for role in roles:
        yield await _rights(settings, role)
    found = [finding async for finding in _topics(settings)]
    for finding in found:
        yield finding
    if all(finding.well for finding in found):
        yield await _calibration(settings)
        async for finding in _lag(settings):
            yield finding


async def _reached(settings: Settings) -> Finding:
    try:
        async with asyncio.timeout(ANSWER_LIMIT_S):
            client = await connected(settings.bootstrap, kafka_security(settings), lambda _: None)
    except TimeoutError:
        remedy = "is it up, is RENOWN_BOOTSTRAP its address, may we reach it?"
        return fault("kafka", f"{settings.bootstrap} did not answer in {ANSWER_LIMIT_S:.0f} s", remedy)
    except RenownError as error:
        return fault("kafka", str(error), "put the setting right")
    brokers = len(client.cluster.brokers())
    await client.close()
    return well("kafka", f"{settings.bootstrap} answers, {brokers} {'broker' if brokers == 1 else 'brokers'}")


async def _rights(settings: Settings, role: Role) -> Finding:
    try:
        await require_rights(settings, role)
    except RenownError as error:
        return fault(
            f"rights of {role}", str(error), f"`renown access kafka --principal {role}=User:…` prints the ACLs"
        )
    return well(f"rights of {role}", "all there")


async def _topics(settings: Settings) -> AsyncIterator[Finding]:
    try:
        found = await differences(settings)
    except (KafkaError, RenownError) as error:
        yield fault("topics", f"cannot be looked at: {error!s:.200}", "give this user the rights of an auditor")
        return
    for each in found:
        yield fault(f"topic {each.topic.name}", each.detail, each.remedy)
    if not found:
        yield well("topics", f"all {len(settings.topics.all())} as they must be, {settings.partitions} partitions")


async def _calibration(settings: Settings) -> Finding:
    try:
        reports, newest = await read_calibration(settings)
    except (KafkaError, RenownError) as error:
        return fault("calibration", f"{error!s:.200}", "run the release that wrote it, or a later one")
    if newest is None:
        return well("calibration", "none yet: nothing has been scored")
    behind_s = max(0.0, max(r.as_of for r in reports.values()) / 1000 - newest.map.as_of) if reports else 0.0
    return well(
        "calibration", f"map {newest.version} of {newest.map.users:,} users, {behind_s:,.0f} s of stream time old"
    )


async def _lag(settings: Settings) -> AsyncIterator[Finding]:
    lag = Lag(settings)
    try:
        await lag.start()
        waiting = await lag.look()
    except KafkaError as error:
        yield fault("lag", f"cannot be looked at: {error!s:.200}", "give this user the rights of an auditor")
        return
    finally:
        await lag.stop()
    for stage in dict.fromkeys(each.stage for each in waiting):
        mine = [each for each in waiting if each.stage == stage]
        records, age_s = sum(each.records for each in mine), max(each.age_s or 0.0 for each in mine)
        detail = f"{records:,} records wait, the oldest for {age_s:,.0f} s"
        part = "renown scoring" if stage == "scoring" else "renown worker"
        late = age_s > LATE_S
        yield (
            fault(f"lag of {stage}", detail, f"does `{part}` run? see the runbook, RenownLag")
            if late
            else well(f"lag of {stage}", detail)
        )
