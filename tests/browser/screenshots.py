"""Pictures of the page for the documentation: `python -m tests.browser.screenshots ADDRESS FOLDER`."""

from __future__ import annotations

import json
import sys
import urllib.request
from pathlib import Path
from typing import Literal
from urllib.parse import urlencode

from playwright.sync_api import Browser

from tests.browser.chromium import chromium

DESKTOP, PHONE = (1100, 900), (390, 844)


def main(address: str, folder: Path) -> None:
    """Take the pictures of a running server: its leaders, and who leads, by day and by night."""
    with urllib.request.urlopen(f"{address}/v1/top?limit=1", timeout=10) as answer:  # noqa: S310 - what the caller named
        leader = json.load(answer)["places"][0]["user"]
    person = "/?" + urlencode({"user": leader})
    with chromium() as browser:
        _take(browser, address + "/", folder / "page-leaders.png", DESKTOP, "light")
        _take(browser, address + person, folder / "page-person.png", DESKTOP, "light", whole=True)
        _take(browser, address + person, folder / "page-person-phone.png", PHONE, "dark")
        _take(browser, f"{address}{person}&view=report", folder / "page-report.png", DESKTOP, "light", whole=True)


def _take(
    browser: Browser,
    url: str,
    file: Path,
    size: tuple[int, int],
    scheme: Literal["light", "dark"],
    *,
    whole: bool = False,
) -> None:
    page = browser.new_page(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
    page.goto(url)
    page.wait_for_selector("h1")
    page.screenshot(path=file, full_page=whole)
    page.close()


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"), Path(sys.argv[2]))
