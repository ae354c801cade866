"""Bodies as they were before their Content-Encoding; what inflating may cost is bounded by us, not by the sender."""

from __future__ import annotations

import zlib
from typing import Final

_WINDOWS: Final = {"gzip": zlib.MAX_WBITS | 16, "x-gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}


class BadEncodingError(ValueError):
    """The body is encoded in a way that is not read here."""


class DamagedError(ValueError):
    """The body is not one whole stream of what its encoding says."""


class TooLargeError(ValueError):
    """The body is larger than allowed, as sent or inflated."""


def inflated(body: bytes, encoding: str, most: int) -> bytes:
    """Return the body as it was before its Content-Encoding, at most `most` bytes.

    Raises BadEncodingError for an encoding other than gzip and deflate (a list of several, too), TooLargeError
    as soon as one byte more comes out, DamagedError for a torn or damaged stream.

    >>> inflated(b"[]", "identity", 10)
    b'[]'
    """
    name = encoding.strip().lower()
    if name in {"", "identity"}:
        return body
    if name not in _WINDOWS:
        raise BadEncodingError(f"Content-Encoding {encoding[:40]!r}; send gzip, deflate or none")
    stream = zlib.decompressobj(_WINDOWS[name])
    try:
        plain = stream.decompress(body, most + 1)
    except zlib.error as error:
        raise DamagedError(f"not {name}: {error}; send it whole or not packed") from error
    if len(plain) > most:
        raise TooLargeError(f"the body inflates to more than {most} bytes; send it in parts")
    if not stream.eof or stream.unused_data:
        raise DamagedError(f"not one whole {name} stream; send it whole or not packed")
    return plain
