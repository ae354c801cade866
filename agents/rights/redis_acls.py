"""Roles as Redis ACL commands. A password appears as its SHA-256 only, which is what Redis keeps of it too."""

from __future__ import annotations

import hashlib
import re
from typing import Final

from schemas.access import Role, redis_rights
from schemas.errors import BadSettingError

NO_HASH: Final = "SHA-256-OF-THE-PASSWORD"
"""Stands for a hash that is not known; Redis refuses it, so a line that still holds it lets nobody in."""
_USER: Final = re.compile(r"[!#-&(-~]{1,128}")


def password_hash(password: str) -> str:
    """Return the hash by which Redis knows a password.

    >>> password_hash("s3cret")[:8]
    '1ec1c26b'
    """
    return hashlib.sha256(password.encode()).hexdigest()


def rules(role: Role, prefix: str, hashed: str | None) -> list[str]:
    """Return the rules that make a user this role and nothing more; older rights and passwords go."""
    rights = redis_rights(role, prefix)
    keys = [f"~{pattern}" for pattern in rights.patterns]
    commands = [f"+{command}" for command in rights.commands]
    return ["reset", "resetchannels", "on", f"#{hashed or NO_HASH}", *keys, *commands]


def line(user: str, wanted: list[str]) -> str:
    """Return the command that redis-cli takes; BadSettingError for a name that cannot stand there."""
    if not _USER.fullmatch(user):
        raise BadSettingError("user", user, "must be of printable ASCII without spaces and quotes")
    return " ".join(["ACL", "SETUSER", user, *wanted])
