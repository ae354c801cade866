"""What Kafka lets this user do against what a role needs, asked before a service starts.

Clients report a refusal late, one at a time, often as a topic that "does not exist". The broker itself tells all of
a user's operations, so that everything lacking is named at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from aiokafka import errors as kafka_errors
from aiokafka.client import AIOKafkaClient, ConnectionGroup, CoordinationType

from agents.rights.kafka_acls import OPERATION_CODES
from agents.rights.requests import AuthorizedGroup, AuthorizedTopics
from schemas.access import Operation, Resource, Role, kafka_grants
from schemas.errors import BadSettingError
from streams.security import kafka_client, kafka_security, refusal

if TYPE_CHECKING:
    from streams.settings import Settings

_UNKNOWN: Final = -(2**31)
_DENIED: Final = frozenset({29, 30})
_DENIALS: Final = {
    kafka_errors.TopicAuthorizationFailedError: "topic",
    kafka_errors.GroupAuthorizationFailedError: "group",
    kafka_errors.TransactionalIdAuthorizationFailed: "transactional id",
    kafka_errors.ClusterAuthorizationFailedError: "cluster",
}
Lacking = list[tuple[Operation, Resource, str]]


async def require_rights(settings: Settings, role: Role, only: Sequence[Operation] = tuple(Operation)) -> None:
    """Raise BadSettingError naming every operation that `role` needs and Kafka refuses us, or why it refuses us at all.

    Looks at the operations in `only`. Returns when Kafka is away, or too old to tell.
    """
    client = AIOKafkaClient(**kafka_client(settings))
    try:
        await client.bootstrap()
        lacking = await _on_topics(client, settings, role) + await _on_groups(client, settings, role)
    except kafka_errors.KafkaError as error:
        if (denied := not_permitted(error, settings, role)) is not None:
            raise denied from error
        if (refused := await refusal(settings.bootstrap, kafka_security(settings))) is not None:
            raise refused from error
        return
    except NotImplementedError:
        return  # aiokafka's word for a broker that does not know the request's version
    finally:
        await client.close()
    lacking = [each for each in lacking if each[0] in only]
    if lacking:
        listed = ", ".join(f"{operation} on {resource} {name}" for operation, resource, name in lacking)
        raise _refused(settings, role, listed)


def not_permitted(error: BaseException, settings: Settings, role: Role) -> BadSettingError | None:
    """Return Kafka's refusal as an error that names user, thing and remedy; None for any other error."""
    for kind, resource in _DENIALS.items():
        if isinstance(error, kind):
            names = ", ".join(map(str, error.args)) or "that this role needs"
            return _refused(settings, role, f"something on {resource} {names}")
    return None


def _refused(settings: Settings, role: Role, what: str) -> BadSettingError:
    name, user = _who(settings)
    remedy = f"Kafka allows this user not: {what}; `renown access kafka --principal {role}=User:…` prints the ACLs"
    return BadSettingError(name, user, remedy)


def _who(settings: Settings) -> tuple[str, str]:
    if settings.kafka_sasl_user:
        return "RENOWN_KAFKA_SASL_USER", settings.kafka_sasl_user
    if settings.kafka_cert_file:
        return "RENOWN_KAFKA_CERT_FILE", settings.kafka_cert_file
    return "RENOWN_KAFKA_SECURITY", settings.kafka_security


async def _on_topics(client: AIOKafkaClient, settings: Settings, role: Role) -> Lacking:
    wanted = {g.name: g for g in kafka_grants(role, settings.topics) if g.resource is Resource.TOPIC}
    answer = await client.send(client.get_random_node(), AuthorizedTopics(list(wanted)))
    lacking: Lacking = []
    for code, name, _, _, operations in answer.topics:
        refused = _missing(wanted[name].operations, code, operations)
        lacking += [(operation, Resource.TOPIC, name) for operation in refused]
    return lacking


async def _on_groups(client: AIOKafkaClient, settings: Settings, role: Role) -> Lacking:
    lacking: Lacking = []
    for grant in kafka_grants(role, settings.topics):
        if grant.resource is not Resource.GROUP:
            continue
        try:
            node = await client.coordinator_lookup(CoordinationType.GROUP, grant.name)
        except kafka_errors.GroupAuthorizationFailedError:
            lacking += [(operation, Resource.GROUP, grant.name) for operation in grant.operations]
            continue
        if not await client.ready(node, group=ConnectionGroup.COORDINATION):
            continue
        answer = await client.send(node, AuthorizedGroup(grant.name), group=ConnectionGroup.COORDINATION)
        for code, *_, operations in answer.groups:
            refused = _missing(grant.operations, code, operations)
            lacking += [(operation, Resource.GROUP, grant.name) for operation in refused]
    return lacking


def _missing(wanted: Sequence[Operation], code: int, operations: int) -> list[Operation]:
    """Return the operations that are not in the broker's bit field; none when it does not tell."""
    if code in _DENIED:
        return list(wanted)
    if operations == _UNKNOWN:
        return []
    return [operation for operation in wanted if not operations >> OPERATION_CODES[operation] & 1]
