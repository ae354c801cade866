"""What deploy/container/Containerfile says, read by lines: there is no engine here that would read it."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import NamedTuple

PROJECT = Path(__file__).parents[1]
CONTAINERFILE = PROJECT / "deploy" / "container" / "Containerfile"
_OPTION = re.compile(r"^--[a-z-]+=\S+\s+")


class Instruction(NamedTuple):
    """One instruction: its word in capitals and the rest, continuation lines joined, without leading options."""

    word: str
    rest: str

    def words(self) -> list[str]:
        """Return the words of an array, or of a shell's line."""
        found: list[str] = json.loads(self.rest) if self.rest.startswith("[") else shlex.split(self.rest)
        return found


def instructions(path: Path = CONTAINERFILE) -> list[Instruction]:
    """Return every instruction in order; comments are left out."""
    lines = [line for line in path.read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    found = []
    for line in filter(str.strip, joined.splitlines()):
        word, _, rest = line.strip().partition(" ")
        rest = rest.strip()
        while _OPTION.match(rest):
            rest = _OPTION.sub("", rest, count=1)
        found.append(Instruction(word.upper(), rest))
    return found


def final_stage(path: Path = CONTAINERFILE) -> dict[str, Instruction]:
    """Return the last stage's instructions by word; of several with one word, the last."""
    found = instructions(path)
    start = max(number for number, each in enumerate(found) if each.word == "FROM")
    return {each.word: each for each in found[start:]}


def environment() -> dict[str, str]:
    """Return what ENV sets in the last stage; `$PATH` stays as it is written."""
    return dict(pair.split("=", 1) for pair in final_stage()["ENV"].words())


def removed() -> list[str]:
    """Return the packages that the image installs and takes out again."""
    (found,) = [each for each in instructions() if each.rest.startswith("pip uninstall ")]
    return [word for word in found.words()[2:] if not word.startswith("-")]


def health_check() -> list[str]:
    """Return the command of HEALTHCHECK."""
    return Instruction("CMD", final_stage()["HEALTHCHECK"].rest.removeprefix("CMD ")).words()
