"""GitHub's public timeline (GH Archive lines, with `repo_owner`, `thread_author` and `mentions` drawn out).

What each event says, decided once:

| event, action                                       | kind    | towards       | object      |
|-----------------------------------------------------|---------|---------------|-------------|
| WatchEvent started (a star)                         | like    | repo_owner    | repo        |
| ForkEvent (the repository appears under the forker) | share   | repo_owner    | repo        |
| IssueCommentEvent created                           | reply   | thread_author | repo#thread |
| PullRequestReviewCommentEvent created               | reply   | thread_author | repo#thread |
| CommitCommentEvent                                  | reply   | repo_owner    | repo        |
| IssuesEvent opened, PullRequestEvent opened         | mention | repo_owner    | repo#thread |
| each login in `mentions` of any of the above        | mention | that person   | as above    |
| IssuesEvent, PullRequestEvent closed or reopened    | none: housekeeping, and its text was counted at opening |
| every other event                                   | none: it is not an act towards a person                 |

One event speaks to a person once: whoever is named in `mentions` and addressed by the row already is not
mentioned again. Ids are `gharchive:<event id>`, mentions carry the suffix `:mention:<login>`; people are
`github:<login>`. Acting on one's own repository or thread is a self engagement, which the codec refuses.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import msgspec

from agents.ingest.formats.lines import Line, line_blocks
from agents.ingest.formats.opening import Stream
from agents.ingest.outcomes import Outcome, Outcomes, Refused, outcome_of
from schemas.errors import BadRecordError, shown
from schemas.reasons import Reason


class _Event(msgspec.Struct, gc=False):
    id: str
    type: str
    created_at: str
    actor: str
    repo: str
    repo_owner: str
    action: str | None = None
    thread_author: str | None = None
    thread_number: int | None = None
    mentions: list[str] = []


class _Meaning(NamedTuple):
    kind: str
    to_thread_author: bool = False


_MEANINGS: Final = {
    ("WatchEvent", "started"): _Meaning("like"),
    ("ForkEvent", None): _Meaning("share"),
    ("IssueCommentEvent", "created"): _Meaning("reply", to_thread_author=True),
    ("PullRequestReviewCommentEvent", "created"): _Meaning("reply", to_thread_author=True),
    ("CommitCommentEvent", None): _Meaning("reply"),
    ("CommitCommentEvent", "created"): _Meaning("reply"),
    ("IssuesEvent", "opened"): _Meaning("mention"),
    ("PullRequestEvent", "opened"): _Meaning("mention"),
}
_DECODER = msgspec.json.Decoder(_Event)


def outcomes(stream: Stream) -> Outcomes:
    """Yield what becomes of each event: none, one or several engagements a line."""
    for lines in line_blocks(stream):
        yield [outcome for line in lines for outcome in line_outcomes(line)]


def line_outcomes(line: Line) -> list[Outcome]:
    """Return the engagements of one event, each accepted or refused by itself."""
    try:
        event = _DECODER.decode(line.value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        detail = f"{shown(line.value)}: {str(error)[:80]}; send one GH Archive event a line"
        return [Refused(BadRecordError(Reason.UNDECODABLE, detail), line.number, line.value)]
    return [outcome_of(engagement, line.number, line.value) for engagement in engagements(event)]


def engagements(event: _Event) -> list[dict[str, Any]]:
    """Return the engagements that the event stands for, as mappings of the contract's fields."""
    meaning = _MEANINGS.get((event.type, event.action))
    if meaning is None:
        return []
    thread = None if event.thread_number is None else f"{event.repo}#{event.thread_number}"
    addressed = event.thread_author if meaning.to_thread_author else event.repo_owner
    shared = {
        "actor": f"github:{event.actor}",
        "occurred_at": event.created_at,
        "object": thread or event.repo,
    }
    named = dict.fromkeys(login for login in event.mentions if login != addressed)
    main = {"id": f"gharchive:{event.id}", "kind": meaning.kind, "target": f"github:{addressed or ''}"}
    asides = [
        {"id": f"gharchive:{event.id}:mention:{login}", "kind": "mention", "target": f"github:{login}"}
        for login in named
    ]
    return [shared | each for each in (main, *asides)]
