"""`make examples`: every example whose language is installed prints what it must; exit 1 when one does not."""

from __future__ import annotations

import difflib
import shutil
import sys
import tempfile
from pathlib import Path

from tests.examples.filled import KNOWN, PRINTED, Filled, filled_redis
from tests.examples.languages import EXAMPLES, LANGUAGES, Language


def differences(language: Language, folder: Path, redis: Filled) -> str:
    """Return how what the example prints differs from what it must print, for every user; empty when nowhere."""
    found = [] if language.refused(folder, redis.stranger_url, KNOWN) else ["takes a refusal for a score\n"]
    for user, wanted in PRINTED.items():
        lines = difflib.unified_diff(
            wanted.splitlines(),
            language.printed(folder, redis.reader_url, user).splitlines(),
            "wanted",
            "printed",
            lineterm="",
        )
        found += [f"{line}\n" for line in lines]
    return "".join(found)


def main() -> None:
    """Run all in a copy, so that what they install stays out of the tree; one line each."""
    well = True
    with tempfile.TemporaryDirectory() as place, filled_redis(Path(place) / "redis") as redis:
        folder = shutil.copytree(EXAMPLES, Path(place) / "examples")
        for language in LANGUAGES:
            if missing := language.missing():
                _say(f"{language.name:<10} not run: no {', '.join(missing)} on PATH\n")
                continue
            wrong = language.prepared(folder) or differences(language, folder, redis)
            _say(f"{language.name:<10} {'wrong' if wrong else 'well'}\n{wrong}")
            well = well and not wrong
    sys.exit(0 if well else 1)


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
