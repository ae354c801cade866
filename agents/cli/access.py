"""`renown access kafka|redis`: the rights that each role needs, as the servers take them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click
import orjson

from agents.cli.target import data_option, resolve
from agents.rights import kafka_acls, redis_acls
from schemas.access import KAFKA_ROLES, REDIS_ROLES, Role
from schemas.errors import BadSettingError

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


@click.group()
def access() -> None:
    """Print the least rights that workers, producers, readers and others need on Kafka and Redis.

    Example: renown access kafka --principal worker=User:worker
    """


@access.command()
@click.option("--principal", "principals", multiple=True, metavar="ROLE=PRINCIPAL", help="Default: User:ROLE for each.")
@click.option("--apply", "apply_", is_flag=True, help="Create them; takes a super user.")
@json_option
@data_option
def kafka(principals: tuple[str, ...], data: str, *, apply_: bool, as_json: bool) -> None:
    """Print the calls of kafka-acls.sh that give roles their rights, or create them with --apply.

    Roles are producer, worker, scoring, auditor (drain, counts, dlq list) and operator (topics). A principal may
    have several.

    Example: renown access kafka --principal producer=User:blog --principal worker=User:renown
    """
    settings = resolve(data)
    given = [_pair(text, KAFKA_ROLES, "--principal") for text in principals]
    wanted = kafka_acls.acls(given or [(role, f"User:{role}") for role in KAFKA_ROLES], settings.topics)
    made = asyncio.run(kafka_acls.create(settings, wanted)) if apply_ else 0
    if as_json:
        click.echo(orjson.dumps(wanted))
    elif apply_:
        click.echo(f"{made} ACLs in force")
    else:
        for acl in wanted:
            click.echo(kafka_acls.command(acl, settings.bootstrap))


@access.command()
@click.option("--user", "users", multiple=True, metavar="ROLE=USER", help="Default: the role's name for each.")
@click.option(
    "--password-file", "files", multiple=True, metavar="ROLE=FILE", help="File with the role's password; it is hashed."
)
@json_option
@data_option
def redis(users: tuple[str, ...], files: tuple[str, ...], data: str, *, as_json: bool) -> None:
    """Print ACL SETUSER commands for redis-cli: reader, scoring, and operator (`renown scoring --rebuild`).

    Passwords stand in them as SHA-256 only. Without a --password-file a placeholder stands there that Redis refuses.

    Example: renown access redis --user reader=web --password-file reader=web.password | redis-cli
    """
    settings = resolve(data)
    hashes = {role: _hashed(path) for role, path in (_pair(each, REDIS_ROLES, "--password-file") for each in files)}
    named = [_pair(text, REDIS_ROLES, "--user") for text in users] or [(role, role.value) for role in REDIS_ROLES]
    if unused := hashes.keys() - {role for role, _ in named}:
        raise BadSettingError("--password-file", min(unused), "belongs to no --user")
    found = [(role, user, redis_acls.rules(role, settings.redis_prefix, hashes.get(role))) for role, user in named]
    lines = [redis_acls.line(user, rules) for _, user, rules in found]
    if as_json:
        click.echo(orjson.dumps([{"role": role, "user": user, "rules": rules} for role, user, rules in found]))
    else:
        click.echo("\n".join(lines))


def _pair(text: str, roles: tuple[Role, ...], option: str) -> tuple[Role, str]:
    name, _, value = text.partition("=")
    if name not in {role.value for role in roles} or not value:
        raise BadSettingError(option, text, f"must be ROLE=NAME, ROLE one of {', '.join(roles)}")
    return Role(name), value


def _hashed(path: str) -> str:
    try:
        password = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "not UTF-8"
        raise BadSettingError("--password-file", path, f"cannot be read ({why}); name a readable file") from error
    password = password.removesuffix("\n").removesuffix("\r")
    if not password:
        raise BadSettingError("--password-file", path, "is empty; write a password into it")
    return redis_acls.password_hash(password)
