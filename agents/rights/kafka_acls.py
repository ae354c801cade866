"""Roles as Kafka ACLs: the commands of Kafka's own tool, or created right away."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aiokafka import errors as kafka_errors
from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.admin import CreateAclsRequest

from schemas.access import Grant, Operation, Resource, Role, kafka_grants
from schemas.errors import BadSettingError, RenownError
from streams.security import kafka_client, require_login

if TYPE_CHECKING:
    from schemas.topics import Topics
    from streams.settings import Settings

RESOURCE_CODES: Final = {Resource.TOPIC: 2, Resource.GROUP: 3, Resource.TRANSACTIONAL_ID: 5}
OPERATION_CODES: Final = {
    Operation.READ: 3,
    Operation.WRITE: 4,
    Operation.CREATE: 5,
    Operation.DELETE: 6,
    Operation.ALTER: 7,
    Operation.DESCRIBE: 8,
    Operation.DESCRIBE_CONFIGS: 10,
}
_LITERAL, _PREFIXED, _ALLOW, _ANY_HOST = 3, 4, 3, "*"


@dataclass(frozen=True, slots=True)
class Acl:
    """One role's grant for one principal, such as `User:worker`."""

    role: Role
    principal: str
    grant: Grant


def acls(principals: list[tuple[Role, str]], topics: Topics) -> list[Acl]:
    """Return every ACL that these principals need."""
    return [Acl(role, principal, grant) for role, principal in principals for grant in kafka_grants(role, topics)]


def command(acl: Acl, bootstrap: str) -> str:
    """Return the call of Kafka's own tool that creates the ACL."""
    grant = acl.grant
    words = ["kafka-acls.sh", "--bootstrap-server", bootstrap, "--command-config", "admin.properties", "--add"]
    words += ["--allow-principal", acl.principal]
    words += [word for operation in grant.operations for word in ("--operation", operation)]
    words += [f"--{grant.resource}", grant.name, *(["--resource-pattern-type", "prefixed"] if grant.prefixed else [])]
    return shlex.join(words)


async def create(settings: Settings, wanted: list[Acl]) -> int:
    """Create the ACLs and return how many entries they make; those that exist stay as they are.

    Raises BadSettingError when this user may not, RenownError when the broker keeps no ACLs.
    """
    await require_login(settings)
    client = AIOKafkaClient(**kafka_client(settings))
    try:
        await client.bootstrap()
        made = 0
        for request in _requests(wanted):
            answer = await client.send(client.get_random_node(), request)
            for code, message in answer.creation_responses:
                _check(settings, code, message)
            made += 1
    except kafka_errors.KafkaError as error:
        raise RenownError(f"Kafka at {settings.bootstrap} failed: {error!r:.200}; try again") from error
    finally:
        await client.close()
    return made


def _requests(wanted: list[Acl]) -> Iterator[CreateAclsRequest]:
    for acl in wanted:
        pattern = _PREFIXED if acl.grant.prefixed else _LITERAL
        for operation in acl.grant.operations:
            what = (RESOURCE_CODES[acl.grant.resource], acl.grant.name, pattern)
            yield CreateAclsRequest(*what, acl.principal, _ANY_HOST, OPERATION_CODES[operation], _ALLOW)


def _check(settings: Settings, code: int, message: str | None) -> None:
    failure = kafka_errors.for_code(code)
    if failure is kafka_errors.NoError:
        return
    if failure is kafka_errors.ClusterAuthorizationFailedError:
        remedy = "this user may not create ACLs: use a super user, or one with Alter on the cluster"
        raise BadSettingError("RENOWN_KAFKA_SASL_USER", settings.kafka_sasl_user, remedy)
    if failure is kafka_errors.SecurityDisabled:
        raise RenownError("this Kafka keeps no ACLs; set authorizer.class.name in its server.properties")
    raise RenownError(f"Kafka refused an ACL: {failure.__name__} {message or ''}; check the principals")
