"""Signatures of webhooks: whether who posts knows the secret. Checked over the bytes as they came, before parsing.

header = "X-Signature"            # where the signature stands
form = "sha256={hex}"             # HMAC-SHA256 in hex, or {base64}; or {secret}: the secret itself, as a token
signs = "v0:{timestamp}:{body}"   # what is signed
timestamp = "X-Timestamp"         # header with seconds since 1970; older (or newer) than most_age_s is refused
most_age_s = 300
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from schemas.errors import BadSettingError

_FORMS: Final = ("{hex}", "{base64}", "{secret}")
MOST_TIMESTAMP_CHARS: Final = 20


class Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a service signs."""

    header: str
    form: str
    signs: str = "{body}"
    timestamp: str = ""
    most_age_s: float = 300.0

    def check(self) -> None:
        """Raise BadSettingError unless a signature can be made by it."""
        if sum(each in self.form for each in _FORMS) != 1:
            raise BadSettingError("signature.form", self.form, f"needs one of {', '.join(_FORMS)}")
        if "{body}" not in self.signs:
            raise BadSettingError("signature.signs", self.signs, "must hold {body}, else anything could be posted")
        if ("{timestamp}" in self.signs) != bool(self.timestamp):
            raise BadSettingError("signature.timestamp", self.timestamp, "goes with {timestamp} in signature.signs")

    def holds(self, secrets: Sequence[bytes], headers: Mapping[str, str], body: bytes, now_s: float) -> bool:
        """Whether one of the secrets made the signature that came, and not too long ago; in constant time."""
        stamp = headers.get(self.timestamp, "") if self.timestamp else ""
        if self.timestamp and not self._is_fresh(stamp, now_s):
            return False
        given = headers.get(self.header, "").encode("utf-8", "surrogateescape")
        before, _, after = self.signs.replace("{timestamp}", stamp).partition("{body}")
        signed = before.encode() + body + after.encode()
        made = [self.made(secret, signed) for secret in secrets]
        return any([hmac.compare_digest(given, each) for each in made])  # noqa: C419 - all are compared, always

    def made(self, secret: bytes, signed: bytes) -> bytes:
        """Return the header's value for `signed`."""
        digest = hmac.digest(secret, signed, "sha256")
        parts = {"{hex}": digest.hex().encode(), "{base64}": base64.b64encode(digest), "{secret}": secret}
        made = self.form.encode()
        for name, value in parts.items():
            made = made.replace(name.encode(), value)
        return made

    def _is_fresh(self, stamp: str, now_s: float) -> bool:
        decimal = stamp.isascii() and stamp.isdecimal() and len(stamp) <= MOST_TIMESTAMP_CHARS
        return decimal and abs(now_s - int(stamp)) <= self.most_age_s
