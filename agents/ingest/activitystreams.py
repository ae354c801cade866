"""ActivityStreams 2.0 (https://www.w3.org/TR/activitystreams-core/): what an activity of the fediverse says.

| activity                                   | kind    | towards                   | id ends in       |
|--------------------------------------------|---------|---------------------------|------------------|
| Like                                       | like    | author of the object      |                  |
| Announce                                   | share   | author of the object      |                  |
| Create, object with inReplyTo              | reply   | author of what is replied | `#reply`         |
| … with quote, quoteUrl                     | share   | author of the quoted post | `#quote`         |
| … with tag of type Mention                 | mention | whom it names             | `#mention:<uri>` |
| Undo of any of these, embedded             | undo of each of its acts, with their ids       |||
| Collection, OrderedCollection (and a page) | what its items say                             |||

Every other activity says nothing. People are `activitypub:<address of the actor>`, ids `activitypub:<id of the
activity>`. One post speaks to a person once: reply before quote before mention. The author of an object is its
`attributedTo`, else what stands before `/statuses/` in its address (Mastodon's form), else the only person in `to` and
`cc`. The instant is `published` of the activity or its object, else when it was received, where that is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from schemas.engagement import MAX_OBJECT_BYTES
from schemas.errors import BadRecordError, shown
from schemas.reasons import Reason

TYPES: Final = frozenset({"application/activity+json", "application/ld+json"})
NETWORK: Final = "activitypub"
MOST_MENTIONS: Final = 64
MOST_NESTED: Final = 4
_NAMESPACES: Final = ("https://www.w3.org/ns/activitystreams#", "as:")
_PUBLIC: Final = frozenset({"Public", *(f"{each}Public" for each in _NAMESPACES)})
_POINTING: Final = {"Like": "like", "Announce": "share"}
_COLLECTIONS: Final = frozenset({"Collection", "OrderedCollection", "CollectionPage", "OrderedCollectionPage"})
Document = Mapping[str, Any]
Fields = dict[str, Any]
Said = tuple[str, str, str, str | None]
"""One act: what its id ends in, its kind, towards whom, upon what."""


def document(raw: bytes) -> Document:
    """Return a document's fields; BadRecordError when it is no JSON object."""
    try:
        found = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        detail = f"{shown(raw)}: {str(error)[:80]}; send one ActivityStreams document"
        raise BadRecordError(Reason.UNDECODABLE, detail) from error
    if not isinstance(found, dict):
        raise BadRecordError(Reason.UNDECODABLE, f"{shown(raw)}: send an ActivityStreams object")
    return found


def items(found: Document) -> list[Any]:
    """Return the activities of a document: itself, or the items of a collection, whatever they are."""
    if _type(found) not in _COLLECTIONS:
        return [found]
    return [*_list(found.get("orderedItems")), *_list(found.get("items"))]


def acts(activity: Any, received_ms: int | None = None, depth: int = 0) -> list[Fields]:
    """Return an activity's acts as mappings of the contract's fields; BadRecordError for one that cannot be told."""
    if not isinstance(activity, dict):
        raise _unknown("item", activity, "send the activity itself")
    kind = _type(activity)
    if kind == "Undo":
        return _undone(activity, received_ms, depth)
    if kind in _POINTING:
        target = activity.get("object")
        address = _address(target, "object")
        said: list[Said] = [("", _POINTING[kind], _author(target, activity), address)]
    elif kind == "Create":
        said = list(_said(activity))
    else:
        return []
    actor = _address(activity.get("actor"), "actor")
    shared = {"actor": f"{NETWORK}:{actor}", "occurred_at": _instant(activity, received_ms)}
    ident = activity.get("id") or f"{actor}#{kind}:{_address(activity.get('object'), 'object')}"
    return [
        shared
        | {"id": f"{NETWORK}:{ident}{ending}", "kind": word, "target": f"{NETWORK}:{person}", "object": _object(upon)}
        for ending, word, person, upon in said
    ]


def _undone(activity: Document, received_ms: int | None, depth: int) -> list[Fields]:
    done = activity.get("object")
    if not isinstance(done, dict) or depth > MOST_NESTED:
        raise _unknown("object", done, "embed the activity that is taken back")
    if done.get("actor") is not None and _address(done["actor"], "actor") != _address(activity.get("actor"), "actor"):
        raise _unknown("actor", activity.get("actor"), "only who acted can take it back")
    taken_back = {"actor": activity.get("actor"), **done}
    found = acts(taken_back, _instant(activity, received_ms, required=False) or received_ms, depth + 1)
    when = _instant(activity, received_ms, required=False)
    return [each | {"undo": True, "occurred_at": when or each["occurred_at"]} for each in found]


def _said(activity: Document) -> Iterator[Said]:
    """Yield what a new post says; at most one act towards each person."""
    post = activity.get("object")
    if not isinstance(post, dict):
        raise _unknown("object", post, "embed the object that is created")
    parent, quoted = post.get("inReplyTo"), post.get("quote") or post.get("quoteUrl")
    addressed: set[str] = set()
    for ending, kind, upon in (("#reply", "reply", parent), ("#quote", "share", quoted)):
        author = _known_author(upon)
        if author is not None and author not in addressed:
            addressed.add(author)
            yield ending, kind, author, _address(upon, "inReplyTo")
    named = dict.fromkeys(tag["href"] for tag in _list(post.get("tag")) if isinstance(tag, dict) and _is_mention(tag))
    for person in list(named)[:MOST_MENTIONS]:
        if person not in addressed:
            yield f"#mention:{person}", "mention", person, _address(parent, "inReplyTo") if parent else None


def _is_mention(tag: Document) -> bool:
    return _type(tag) == "Mention" and isinstance(tag.get("href"), str)


def _author(target: Any, activity: Document) -> str:
    """Return whose object it is; BadRecordError when nothing tells."""
    found = _known_author(target)
    if found is not None:
        return found
    actor = _address(activity.get("actor"), "actor")
    told = [each for name in ("to", "cc") for each in _list(activity.get(name)) if isinstance(each, str)]
    people = {each for each in told if each not in _PUBLIC and not each.endswith("/followers")} - {actor}
    if len(people) == 1:
        return people.pop()
    raise _unknown("object", target, "embed the object with its attributedTo")


def _known_author(target: Any) -> str | None:
    """Return whose object it is by itself, None = it does not say."""
    if isinstance(target, dict):
        if (author := target.get("attributedTo") or target.get("actor")) is not None:
            return _address(author, "attributedTo")
        target = target.get("id")
    if isinstance(target, str) and "/statuses/" in target:
        return target.partition("/statuses/")[0]
    return None


def _instant(activity: Document, received_ms: int | None, *, required: bool = True) -> Any:
    inner = activity.get("object") if required else None
    told = activity.get("published") or (inner.get("published") if isinstance(inner, dict) else None)
    if told is None and received_ms is None and required:
        raise _unknown("published", None, "send when it was, as RFC 3339")
    return told if told is not None else received_ms


def _address(value: Any, field: str) -> str:
    """Return the address of what a property names: itself, its id, or of a list the first."""
    found = _list(value)
    first = found[0] if found else None
    address = first.get("id") if isinstance(first, dict) else first
    if not (isinstance(address, str) and address):
        raise _unknown(field, value, "send an address or an object with an id")
    return address


def _object(address: str | None) -> str | None:
    named = f"{NETWORK}:{address}"
    return named if address and len(named.encode("utf-8", "replace")) <= MAX_OBJECT_BYTES else None


def _type(found: Document) -> str:
    """Return the type, without the vocabulary's own name before it.

    >>> _type({"type": ["as:Like"]})
    'Like'
    """
    first = next(iter(_list(found.get("type") or found.get("@type"))), None)
    name = first if isinstance(first, str) else ""
    for each in _NAMESPACES:
        name = name.removeprefix(each)
    return name


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _unknown(field: str, value: Any, remedy: str) -> BadRecordError:
    return BadRecordError(Reason.INVALID_FIELD, f"{field}={shown(value)}: {remedy}")
