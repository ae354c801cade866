"""How a worker ends when it must not go on: one line on stderr, at once, with a code its supervisor acts on.

Ending at once is the safe way out: nothing that is not durable was acknowledged, so the next owner repeats
it. A tidy shutdown would commit again, and that is what just failed.
"""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Callable
from typing import Final, NoReturn

from aiokafka.errors import KafkaError

from schemas.errors import BrokenGuaranteeError, FencedError, RenownError

EX_SOFTWARE: Final = 70
EX_TEMPFAIL: Final = 75
OnFailure = Callable[[BaseException], None]


def _is_of_kafka(error: BaseException) -> bool:
    """Return whether the broker failed us; uvloop tells a closed connection by a bare RuntimeError."""
    is_closed = type(error) is RuntimeError and "the handler is closed" in str(error)
    return is_closed or isinstance(error, KafkaError | OSError | TimeoutError)


def exit_code(error: BaseException) -> int:
    """Return 75 when a restart alone can help (fenced, broker gone), 70 for a bug or broken state."""
    if isinstance(error, FencedError) or _is_of_kafka(error):
        return EX_TEMPFAIL
    return EX_SOFTWARE


def _named(error: BaseException) -> str:
    """Return an error with its type, which KafkaError's text already begins with."""
    name = type(error).__name__
    return str(error) if str(error).startswith(name) else f"{name}: {error}"


def one_line(error: BaseException) -> str:
    """Return what happened and what follows, in one line."""
    if isinstance(error, FencedError):
        return f"stopped: {error}. Restart: this worker rejoins as a new one"
    if isinstance(error, BrokenGuaranteeError):
        return f"stopped: {error}. Nothing after the last commit was acknowledged"
    if _is_of_kafka(error):
        return f"stopped: kafka failed this worker ({_named(error)}). Restart: it waits for the broker"
    return f"stopped: {_named(error)}"


def end_process(error: BaseException) -> NoReturn:
    """Say why on stderr, with a traceback only for errors nobody raised on purpose, and end."""
    _silence()
    if not isinstance(error, RenownError | KafkaError | OSError):
        traceback.print_exception(error, file=sys.stderr)
    sys.stderr.write(f"renown worker {one_line(error)}\n")
    sys.stderr.flush()
    logging.shutdown()
    os._exit(exit_code(error))


def _silence() -> None:
    """Let no other thread log from here on: its line could end up behind ours, or within it."""
    logging.disable(logging.CRITICAL)
    for handler in logging.root.handlers:
        handler.acquire()  # for good: whoever waits for it ends with the process
