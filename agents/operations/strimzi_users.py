"""A Strimzi user for each role: `python -m agents.operations.strimzi_users deploy/kubernetes/strimzi/users.yaml`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from schemas.access import KAFKA_ROLES, Grant, Resource, Role, kafka_grants
from schemas.topics import Topics

_TYPES: Final = {Resource.TOPIC: "topic", Resource.GROUP: "group", Resource.TRANSACTIONAL_ID: "transactionalId"}
_HEAD: Final = (
    "# Made by `python -m agents.operations.strimzi_users`: one user for each role of `renown access kafka`.\n"
)


def users() -> str:
    """Return the users of all roles, with no more than their rights."""
    return _HEAD + "".join(map(_user, KAFKA_ROLES))


def _user(role: Role) -> str:
    head = [
        "---",
        "apiVersion: kafka.strimzi.io/v1",
        "kind: KafkaUser",
        "metadata:",
        f"  name: renown-{role}",
        "  labels: {strimzi.io/cluster: renown}",
        "spec:",
        "  authentication: {type: scram-sha-512}",
        "  authorization:",
        "    type: simple",
        "    acls:",
    ]
    rules = [line for grant in kafka_grants(role, Topics()) for line in _rule(grant)]
    return "\n".join([*head, *rules]) + "\n"


def _rule(grant: Grant) -> tuple[str, str]:
    pattern = ", patternType: prefix" if grant.prefixed else ""
    return (
        f"      - resource: {{type: {_TYPES[grant.resource]}, name: {grant.name}{pattern}}}",
        f"        operations: [{', '.join(grant.operations)}]",
    )


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(users())
