"""Mappings of webhooks: their form, their expressions, their own tests, and the command that runs them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from agents.cli.collect import collect
from agents.ingest.letters import tried_again
from agents.ingest.mapping import form, trial
from agents.ingest.mapping.expressions import Expression, Template
from agents.ingest.mapping.payloads import MOST_ENGAGEMENTS, Head, outcomes_of
from agents.ingest.mapping.signatures import Signature
from agents.ingest.outcomes import Ready, Refused
from agents.sources.webhook import Webhook
from schemas.dead_letter import DeadLetter
from schemas.errors import BadRecordError, BadSettingError
from schemas.reasons import Reason

MAPPING = """
about = "Likes of a blog."

[receive]
path = "/blog"
body = "{body}"
headers = ["X-Event"]

[signature]
header = "X-Signature"
form = "{{hex}}"

[values]
site = "blog"

[[engagement]]
each = {{ like = "payload.likes" }}
when = "{when}"
once = "{once}"
id = "blog:{{values.site}}:{{like.id}}"
kind = "like"
actor = "blog:{{like.by}}"
target = "{target}"
occurred_at = "{at}"
unit = "{unit}"
object = "blog:{{like.post}}"
undo = "like.gone"

[[test]]
name = "a like"
payload = '{{"likes": [{{"id": 1, "by": "ann", "at": 5}}]}}'
says = [{{ id = "blog:blog:1", kind = "like", actor = "blog:ann", target = "blog:bob", occurred_at = {wanted} }}]
"""
FIELDS = {
    "body": "json",
    "when": "like.id",
    "once": "",
    "target": "blog:bob",
    "at": "{like.at}",
    "unit": "ms",
    "wanted": "5",
}
LIKE = {"id": 1, "by": "ann", "at": 5}


def written(folder: Path, **fields: str) -> str:
    """Return the path of a mapping; `fields` are what differs."""
    path = folder / "blog.toml"
    path.write_text(MAPPING.format(**FIELDS | fields))
    form.load.cache_clear()
    return str(path)


def says(mapping: str, payload: Any, **head: Any) -> list[dict[str, Any]]:
    found = outcomes_of(form.load(mapping), Head("blog", **head), json.dumps(payload).encode(), b"")
    return [json.loads(each.value) for each in found if isinstance(each, Ready)]


def refusals(mapping: str, body: bytes) -> list[tuple[Reason, str]]:
    found = outcomes_of(form.load(mapping), Head("blog"), body, body)
    return [(each.error.reason, each.error.detail) for each in found if isinstance(each, Refused)]


@pytest.mark.parametrize("name", form.shipped())
def test_a_shipped_mapping_keeps_its_own_tests(name: str) -> None:
    """They hold payloads in the form of the service's documentation."""
    mapping = form.load(name)
    verdicts = [trial.tried(mapping, each) for each in mapping.form.test]
    assert [each for each in verdicts if not each.holds] == []
    kinds = {rule.kind for rule in mapping.form.engagement}
    assert {act["kind"] for each in mapping.form.test for act in each.says} == kinds


def test_the_promised_services_are_shipped() -> None:
    """The help names them."""
    assert form.shipped() == ["discourse", "meta", "slack", "wordpress", "x"]
    assert all(name in (Webhook.__doc__ or "") for name in form.shipped())


def test_the_example_is_a_mapping_that_keeps_its_tests() -> None:
    """Who reads it copies it; it shows every field that there is."""
    run = CliRunner().invoke(collect, ["check", "example", "--show"])
    assert (run.exit_code, run.output) == (0, form.EXAMPLE.read_text())
    assert CliRunner().invoke(collect, ["check", "example"]).exit_code == 0
    shown = set(re.findall(r"^(?:# )?\[*([\w.]+)\]*(?: =|\s*#|$)", run.output, re.MULTILINE))
    parts = (form.MappingForm, form.Receive, form.EngagementForm, form.Trial, Signature)
    assert {name for part in parts for name in part.__struct_fields__} - shown - {"test", "says"} == set()


@pytest.mark.parametrize(
    ("unit", "at", "ms"),
    [
        ("ms", "{like.at}", 5),
        ("s", "{like.at}.25", 5_250),
        ("s", "17e2", 1_700_000),
        ("rfc3339", "1970-01-01T00:00:0{like.at}Z", 5_000),
    ],
)
def test_instants_come_in_three_units(unit: str, at: str, ms: int, tmp_path: Path) -> None:
    """Services agree on none."""
    mapping = form.load(written(tmp_path, unit=unit, at=at))
    (outcome,) = outcomes_of(mapping, Head("blog"), json.dumps({"likes": [LIKE]}).encode(), b"")
    assert isinstance(outcome, Ready)
    assert outcome.act.occurred_at_ms == ms


@pytest.mark.parametrize("at", ["nan", "inf", "-1e400", "1e99", "soon", "9" * 5_000])
def test_a_number_that_is_no_instant_is_refused(at: str, tmp_path: Path) -> None:
    """Texts become numbers of any size."""
    ((reason, _),) = refusals(written(tmp_path, unit="s", at=at), json.dumps({"likes": [LIKE]}).encode())
    assert reason is Reason.INVALID_FIELD


def test_one_bad_item_does_not_cost_the_good_ones(tmp_path: Path) -> None:
    """Each engagement of a payload is accepted or refused by itself."""
    mapping = written(tmp_path)
    likes = [LIKE, {"id": 2, "at": 5}, LIKE | {"id": True}, LIKE | {"id": 3, "gone": True}, {"by": "passed over"}]
    assert [(each["id"], each.get("undo", False)) for each in says(mapping, {"likes": likes})] == [
        ("blog:blog:1", False),
        ("blog:blog:3", True),
    ]
    found = refusals(mapping, json.dumps({"likes": likes}).encode())
    assert [reason for reason, _ in found] == [Reason.INVALID_FIELD] * 2
    assert "like.by is None" in found[0][1]


def test_a_name_may_stand_for_one_item_or_none(tmp_path: Path) -> None:
    """Services send an object, a list, null or nothing in the same place."""
    mapping = written(tmp_path)
    assert len(says(mapping, {"likes": LIKE})) == 1
    assert says(mapping, {"likes": None}) == says(mapping, {"other": 1}) == says(mapping, []) == []


def test_the_first_word_towards_a_person_counts(tmp_path: Path) -> None:
    """Somebody who answers and names a person has not engaged twice."""
    likes = [LIKE | {"id": number, "post": post} for number, post in ((1, 7), (2, 7), (3, 8))]
    assert [each["id"][-1] for each in says(written(tmp_path, once="{like.post}"), {"likes": likes})] == ["1", "3"]


def test_values_and_arrival_are_what_the_frame_says(tmp_path: Path) -> None:
    """A refused frame is read again the same, whatever the options are then."""
    mapping = written(tmp_path, at="{received_at}")
    (act,) = says(mapping, {"likes": [LIKE]}, values={"site": "other"}, received_at=9)
    assert (act["id"], act["occurred_at"]) == ("blog:other:1", 9)
    assert form.load(mapping).uses_arrival
    assert not form.load("slack").uses_arrival


def test_a_form_is_an_object_of_texts(tmp_path: Path) -> None:
    """Older services post what a browser would."""
    path = Path(written(tmp_path, body="form", when="like"))
    path.write_text(path.read_text().replace("payload.likes", "payload").replace("{like.at}", "5"))
    form.load.cache_clear()
    found = outcomes_of(form.load(str(path)), Head("blog"), b"id=1&by=%C3%A9ve&id=2&gone=", b"")
    (outcome,) = found
    assert isinstance(outcome, Ready)
    assert (outcome.act.id, outcome.act.actor.decode()) == (b"blog:blog:1", "blog:éve")
    assert refusals(str(path), b"\xff=1")[0][0] is Reason.UNDECODABLE
    assert refusals(str(path), b"a=1&" * 2_000)[0][0] is Reason.UNDECODABLE


def test_a_flood_in_one_payload_ends(tmp_path: Path) -> None:
    """One post must not become a million records."""
    body = json.dumps({"likes": [LIKE] * (MOST_ENGAGEMENTS + 50)}).encode()
    found = list(outcomes_of(form.load(written(tmp_path)), Head("blog"), body, body))
    assert len(found) == MOST_ENGAGEMENTS + 1
    assert isinstance(found[-1], Refused)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('kind = "like"', 'kind = "{a..b}"', "no JMESPath"),
        ('when = "like.id"', 'when = "!like.id"', r"write !\(like"),
        ('kind = "like"', 'kind = "{like"', "braces"),
        ('kind = "like"', 'kind = "like"\nhurray = 1', "hurray"),
        ('form = "{hex}"', 'form = "none"', "signature.form"),
        ('form = "{hex}"', 'form = "{hex}"\nsigns = "{timestamp}"', "signature.signs"),
        ('form = "{hex}"', 'form = "{hex}"\nsigns = "{timestamp}{body}"', "signature.timestamp"),
        ('unit = "ms"', 'unit = "h"', "unit"),
        ('path = "/blog"', 'path = "blog"', "a path like"),
        ('path = "/blog"', 'path = "/{blog}"', "a path like"),
        ('each = { like = "payload.likes" }', 'each = { payload = "payload.likes" }', "is taken"),
        ('about = "Likes of a blog."', "about =", "is no mapping"),
    ],
)
def test_a_wrong_mapping_is_told_before_it_listens(old: str, new: str, told: str, tmp_path: Path) -> None:
    """With what is wrong, and where."""
    path = Path(written(tmp_path))
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    form.load.cache_clear()
    with pytest.raises(BadSettingError, match=told):
        form.load(str(path))


def test_functions_that_jmespath_lacks() -> None:
    """Names in texts are what mentions are."""
    scope = {"text": "@Ann and @bob, @Ann", "none": None, "list": [{"a": 1}, {"a": 1}]}
    assert Expression("unique(find_all('@(\\w+)', text))", "").value(scope) == ["Ann", "bob"]
    assert Expression("find_all('@\\w+', none)", "").value(scope) == []
    assert Expression("unique(list)", "").value(scope) == [{"a": 1}]
    assert Template("{lower(text)}!", "").text(scope) == "@ann and @bob, @ann!"
    for wrong in ("find_all('(', text)", "unique(text)", "length(none)"):
        with pytest.raises(BadRecordError):
            Expression(wrong, "").value(scope)


def test_a_frame_of_a_shipped_mapping_can_be_tried_again(tmp_path: Path) -> None:
    """Of another the letter says which file is missing."""
    body = form.load("x").form.test[0].payload.encode()
    for name, reads in (("x", True), (str(tmp_path / "gone.toml"), False)):
        raw = json.dumps({"mapping": name}).encode() + b"\n" + body
        (outcome,) = tried_again(DeadLetter(raw, Reason.UNDECODABLE, "", "webhook", 0, 1, "webhook", 5))
        assert isinstance(outcome, Ready) is reads


def test_the_command_says_what_a_payload_becomes(tmp_path: Path) -> None:
    """Mappings are written by trying."""
    mapping, payload = written(tmp_path), tmp_path / "payload.json"
    payload.write_text(json.dumps({"likes": [LIKE, {"id": 2}]}))
    run = CliRunner().invoke(collect, ["check", mapping, str(payload), "--json"])
    found = json.loads(run.output)
    assert (run.exit_code, [each["id"] for each in found["says"]]) == (1, ["blog:blog:1"])
    assert [each["reason"] for each in found["refused"]] == ["invalid_field"]
    piped = CliRunner().invoke(collect, ["check", mapping, "-"], input=b"[]")
    assert (piped.exit_code, piped.output) == (0, "says nothing\n")
    assert CliRunner().invoke(collect, ["check", mapping, str(tmp_path)]).exception is not None


def test_the_command_runs_a_mapping_s_tests(tmp_path: Path) -> None:
    """In CI, by its exit code."""
    good = CliRunner().invoke(collect, ["check", written(tmp_path), "--json"])
    assert (good.exit_code, [each["holds"] for each in json.loads(good.output)["tests"]]) == (0, [True])
    bad = CliRunner().invoke(collect, ["check", written(tmp_path, wanted="6")])
    assert bad.exit_code == 1
    assert "FAILED  a like" in bad.output
    path = Path(written(tmp_path))
    path.write_text(path.read_text().partition("[[test]]")[0])
    form.load.cache_clear()
    assert CliRunner().invoke(collect, ["check", str(path)]).exit_code == 1
