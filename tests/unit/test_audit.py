"""`make audit` says what it knows: no answer is never a clean answer."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import orjson
import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from deploy import audit
from deploy.audit import LOCK, SBOM, Pin, bill_of_materials, finding_of, pins

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / LOCK).read_text()


def _report(*entries: dict[str, Any]) -> bytes:
    return orjson.dumps({"dependencies": entries, "fixes": []})


def test_the_bill_names_every_pin_of_the_lock_and_is_cyclonedx() -> None:
    """Scanners of others read it: it must be what its schema says, and whole."""
    found = pins(TEXT)
    assert len(found) == sum("==" in line and not line.startswith((" ", "#")) for line in TEXT.splitlines())
    assert sum(len(pin.hashes) for pin in found) == TEXT.count("--hash=sha256:")
    assert {"aiohttp", "redis", "setuptools"} <= {pin.name for pin in found}
    assert all(pin.version and pin.hashes for pin in found)
    document = bill_of_materials(TEXT)
    assert document == bill_of_materials(TEXT)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(orjson.dumps(document).decode()) is None


def test_only_a_package_that_was_looked_up_counts_as_clean() -> None:
    """pip-audit skips what its service does not know and ends with 'no known vulnerabilities found'."""
    expected = [Pin(name, "1.0", ()) for name in ("good", "bad.name", "skipped", "forgotten")]
    vulnerability = {"id": "X-1", "fix_versions": ["1.1"], "aliases": [], "description": ""}
    finding = finding_of(
        _report(
            {"name": "good", "version": "1.0", "vulns": []},
            {"name": "Bad_Name", "version": "1.0", "vulns": [vulnerability]},
            {"name": "skipped", "skip_reason": "not found"},
        ),
        expected,
    )
    assert finding.vulnerable == ("bad.name 1.0: X-1, fixed in 1.1",)
    assert finding.unaudited == {"skipped": "not found", "forgotten": "not in the report"}


def _nothing(*_: object, **__: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.CompletedProcess([], 1, b"", b"Traceback\nConnectionError: no such host")


@pytest.mark.parametrize(
    ("entry", "code", "says"),
    [
        ({"vulns": []}, 0, "no known vulnerability"),
        ({"skip_reason": "unknown here"}, 1, "unknown here"),
        (None, 1, "no such host"),
    ],
)
def test_the_bill_is_written_whatever_the_service_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    entry: dict[str, Any] | None, code: int, says: str,
) -> None:  # fmt: skip
    """Without a network the bill is there all the same, and the command fails and says why."""
    monkeypatch.chdir(tmp_path)
    LOCK.write_text("one==1.0 \\\n    --hash=sha256:" + "0" * 64 + "\n")
    report = None if entry is None else _report({"name": "one", "version": "1.0"} | entry)
    answer = subprocess.CompletedProcess([], 0, report, b"")
    monkeypatch.setattr(audit.subprocess, "run", _nothing if report is None else lambda *_, **__: answer)
    assert audit.main() == code
    assert says in "".join(capsys.readouterr())
    assert orjson.loads(SBOM.read_bytes())["components"][0]["purl"] == "pkg:pypi/one@1.0"
