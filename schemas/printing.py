"""What people's terminals may show: an id is anybody's text, and terminals obey some characters."""

from __future__ import annotations


def printable(text: str) -> str:
    r"""Return `text` with every character that is not plainly visible spelt as an escape, on one line.

    Control characters, line ends, directional marks and halves of surrogate pairs are; letters of any script,
    emoji and the plain space stay. Made for people: programs get the text itself, within JSON.

    >>> printable("x:ann\x1b[2J\u202e")
    'x:ann\\x1b[2J\\u202e'
    """
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
