"""`make audit`: what the lock pins, as a bill of materials, and whether any of it is known to be vulnerable.

The bill is made from the lock alone, so there is one without a network, too. The audit fails unless every package
was really looked up: `pip-audit` by itself ends well when its service knows none of them.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

LOCK: Final = Path("requirements.lock")
SBOM: Final = Path("build/sbom.cdx.json")
SERVICE_LIMIT_S: Final = 300
_PIN: Final = re.compile(r"^([A-Za-z0-9._-]+)==([^ \\;]+)((?: *;[^\\\n]*)?)", re.MULTILINE)
_HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_MARK: Final = re.compile(r"[-_.]+")


class Pin(NamedTuple):
    """A package of the lock; `hashes` are those of all its files, any of which may be installed."""

    name: str
    version: str
    hashes: tuple[str, ...]


class Finding(NamedTuple):
    """What came of an audit: known vulnerabilities as text, and packages that nobody looked up, with the reason."""

    vulnerable: tuple[str, ...]
    unaudited: dict[str, str]


def pins(lock: str) -> list[Pin]:
    """Return the packages that the text of a lock pins, in its order.

    >>> pins("a-b==1.0 --hash=sha256:" + "0" * 64)[0][:2]
    ('a-b', '1.0')
    """
    starts = list(_PIN.finditer(lock))
    ends = [each.start() for each in starts[1:]] + [len(lock)]
    return [
        Pin(each.group(1), each.group(2), tuple(_HASH.findall(lock, each.end(), end)))
        for each, end in zip(starts, ends, strict=True)
    ]


def bill_of_materials(lock: str) -> dict[str, Any]:
    """Return a CycloneDX 1.6 document of the lock, the same for the same lock.

    A component's hashes would have to be those of one file; a lock allows several, so they are properties.
    """
    serial = uuid.UUID(hashlib.sha256(lock.encode()).hexdigest()[:32], version=4)
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "renown", "bom-ref": "renown"}},
        "components": [_component(pin) for pin in pins(lock)],
    }


def finding_of(report: bytes, expected: Sequence[Pin]) -> Finding:
    """Return what a JSON report of pip-audit says of the expected packages; raise ValueError when it is none."""
    entries = {_plain(each["name"]): each for each in orjson.loads(report)["dependencies"]}
    vulnerable, unaudited = [], {}
    for pin in expected:
        entry = entries.get(_plain(pin.name), {"skip_reason": "not in the report"})
        if "skip_reason" in entry:
            unaudited[pin.name] = entry["skip_reason"]
        for each in entry.get("vulns", ()):
            fixed = ", ".join(each["fix_versions"]) or "no version yet"
            vulnerable.append(f"{pin.name} {pin.version}: {each['id']}, fixed in {fixed}")
    return Finding(tuple(vulnerable), unaudited)


def main() -> int:
    """Write the bill, ask for vulnerabilities; return 0 only when all packages were looked up and none is known bad."""
    lock = LOCK.read_text()
    SBOM.parent.mkdir(exist_ok=True)
    SBOM.write_bytes(orjson.dumps(bill_of_materials(lock), option=orjson.OPT_INDENT_2))
    expected = pins(lock)
    sys.stdout.write(f"bill of materials of {len(expected)} packages: {SBOM}\n")
    try:
        finding = finding_of(_asked(), expected)
    except (ValueError, KeyError, subprocess.TimeoutExpired) as error:
        sys.stderr.write(f"audit: NOT DONE, the vulnerability service gave no answer ({error!s:.200})\n")
        return 1
    return _told(finding, len(expected))


def _asked() -> bytes:
    """Return pip-audit's report as JSON; ValueError with its last words when there is none."""
    program = Path(sys.executable).with_name("pip-audit")
    options = ("--disable-pip", "--require-hashes", "--progress-spinner", "off", "--format", "json", "--requirement")
    done = subprocess.run([program, *options, LOCK], capture_output=True, check=False, timeout=SERVICE_LIMIT_S)
    if not done.stdout.strip():
        raise ValueError(done.stderr.decode(errors="replace").strip().rpartition("\n")[2])
    return done.stdout


def _told(finding: Finding, expected: int) -> int:
    for each in finding.vulnerable:
        sys.stderr.write(f"audit: VULNERABLE {each}\n")
    if finding.unaudited:
        name, reason = next(iter(finding.unaudited.items()))
        count = f"{len(finding.unaudited)} of {expected} packages were not looked up"
        sys.stderr.write(f"audit: NOT DONE, {count}, the first {name}: {reason}\n")
    if finding.vulnerable or finding.unaudited:
        return 1
    sys.stdout.write(f"audit: {expected} packages, no known vulnerability\n")
    return 0


def _component(pin: Pin) -> dict[str, Any]:
    url = f"pkg:pypi/{_plain(pin.name)}@{pin.version}"
    return {
        "type": "library",
        "bom-ref": url,
        "name": pin.name,
        "version": pin.version,
        "purl": url,
        "properties": [{"name": "renown:file:sha256", "value": each} for each in pin.hashes],
    }


def _plain(name: str) -> str:
    return _MARK.sub("-", name).lower()


if __name__ == "__main__":
    sys.exit(main())
