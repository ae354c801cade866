"""What a data folder remembers of its stack: `<data>/stack.json`, and how other commands find it."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from deploy.local.errors import NoStackError, StackError
from deploy.local.ports import HOST
from deploy.local.process import Identity, is_alive

FORMAT = 1
FILE_NAME = "stack.json"


@dataclass(frozen=True, slots=True)
class KafkaState:
    """The broker: its ports stay when it is stopped, so that it comes back on them."""

    port: int
    controller_port: int
    cluster_id: str
    version: str
    process: Identity | None = None


@dataclass(frozen=True, slots=True)
class RedisState:
    """The Redis server."""

    port: int
    version: str
    process: Identity | None = None


@dataclass(frozen=True, slots=True)
class ServiceState:
    """One supervised process of ours: `process` is its supervisor."""

    name: str
    process: Identity


@dataclass(frozen=True, slots=True)
class StackState:
    """Everything known about one stack; `data_dir` is absolute."""

    data_dir: Path
    partitions: int
    workers: int = 0
    kafka: KafkaState | None = None
    redis: RedisState | None = None
    services: tuple[ServiceState, ...] = field(default=())

    @property
    def bootstrap_servers(self) -> str:
        """The broker's address, `127.0.0.1:port`."""
        return f"{HOST}:{self.kafka.port}" if self.kafka else ""

    @property
    def redis_url(self) -> str:
        """The Redis address, as clients take it."""
        return f"redis://{HOST}:{self.redis.port}/0" if self.redis else ""

    @property
    def runs(self) -> bool:
        """Whether the broker or Redis is alive."""
        parts = (self.kafka, self.redis)
        return any(is_alive(part.process) for part in parts if part is not None)


def path_in(data_dir: Path) -> Path:
    """Where the state of a data folder is kept."""
    return data_dir / FILE_NAME


def save(state: StackState) -> None:
    """Write the state in one step: a reader sees the old or the new file, never a part."""
    fields = {"format": FORMAT, **dataclasses.asdict(state), "data_dir": str(state.data_dir)}
    path = path_in(state.data_dir)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.write_bytes(orjson.dumps(fields, option=orjson.OPT_INDENT_2))
    draft.replace(path)


def load(data_dir: Path) -> StackState | None:
    """Return the state kept in a folder; None when it never had a stack, StackError when unreadable."""
    path = path_in(data_dir)
    try:
        found: dict[str, Any] = orjson.loads(path.read_bytes())
        return _decode(found, data_dir)
    except FileNotFoundError:
        return None
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError, ValueError) as error:
        remedy = f"move {path} away, stop what still runs in {data_dir}, and run `renown up`"
        reason = f"{type(error).__name__}: {error}"
        raise StackError("the stack's state cannot be read", reason, remedy) from error


def connect(data_dir: Path | str | None = None) -> StackState:
    """Return the running stack of a folder (RENOWN_DATA, else `.renown`); NoStackError when none runs."""
    folder = Path(data_dir or os.environ.get("RENOWN_DATA") or ".renown")
    state = load(folder.expanduser().absolute())
    if state is None or not state.runs:
        raise NoStackError(folder)
    return state


def _decode(found: dict[str, Any], data_dir: Path) -> StackState:
    if found["format"] != FORMAT:
        message = f"format {found['format']}"
        raise ValueError(message)
    kafka, redis = found["kafka"], found["redis"]
    return StackState(
        data_dir=data_dir,
        partitions=int(found["partitions"]),
        workers=int(found["workers"]),
        kafka=KafkaState(**{**kafka, "process": _identity(kafka["process"])}) if kafka else None,
        redis=RedisState(**{**redis, "process": _identity(redis["process"])}) if redis else None,
        services=tuple(ServiceState(one["name"], Identity(**one["process"])) for one in found["services"]),
    )


def _identity(found: dict[str, Any] | None) -> Identity | None:
    return None if found is None else Identity(**found)
