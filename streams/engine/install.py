"""The Faust settings that the engine's guarantees rest on."""

from __future__ import annotations

from typing import Any, Final

from streams.engine.scheduler import MAX_CHUNK, chunk_scheduler
from streams.engine.tables import Tables

SESSION_S: Final = 30.0
HEARTBEATS_PER_SESSION: Final = 6
COMMIT_INTERVAL_S: Final = 1.0
FETCH_BYTES: Final = 4 << 20
BUFFERED_CHUNKS: Final = 16
REQUEST_MARGIN_S: Final = 10.0


def faust_settings(
    *,
    partitions: int,
    session_timeout_s: float = SESSION_S,
    commit_interval_s: float = COMMIT_INTERVAL_S,
    standby_replicas: int = 1,
    max_chunk: int = MAX_CHUNK,
    member_name: str = "",
) -> dict[str, Any]:
    """Return keyword arguments for `faust.App`, to be joined by id, broker and the caller's taste.

    `member_name` makes the worker a static member of the group: a restart within the session moves no
    partition. It must be unique among running workers.
    """
    settings: dict[str, Any] = {
        "ConsumerScheduler": chunk_scheduler(max_chunk),
        "TableManager": Tables,
        "agent_supervisor": "mode.CrashingSupervisor",
        "broker_check_crcs": True,
        "broker_commit_interval": commit_interval_s,
        "broker_heartbeat_interval": session_timeout_s / HEARTBEATS_PER_SESSION,
        "broker_request_timeout": session_timeout_s + REQUEST_MARGIN_S,
        "broker_session_timeout": session_timeout_s,
        "consumer_auto_offset_reset": "earliest",
        "consumer_max_fetch_size": FETCH_BYTES,
        "key_serializer": "raw",
        "recovery_consistency_check": False,
        "stream_buffer_maxsize": BUFFERED_CHUNKS,
        "stream_wait_empty": False,
        "table_standby_replicas": standby_replicas,
        "topic_allow_declare": False,
        "topic_disable_leader": True,
        "topic_partitions": partitions,
        "value_serializer": "raw",
        "web_enabled": False,
    }
    if member_name:
        settings["consumer_group_instance_id"] = member_name
    return settings
