"""What people see and can do: in a real browser, with no host but our own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize, expect

from agents.access.changes import add
from agents.access.key import Purpose
from agents.access.key_file import changing
from schemas.instants import rfc3339
from streams.clock import wall_ms
from tests.browser.conftest import LEADER, PREFIX
from tests.web.process import process, write
from tests.web.serving import DAY_MS, HOSTILE, NOON_MS, score_of

pytestmark = pytest.mark.filterwarnings("default")
DESKTOP, PHONE = (1100, 800), (360, 700)
PAGES = {
    "leaders": "/",
    "rising": "/?sort=momentum",
    "person": f"/?user={LEADER}",
    "report": f"/?user={LEADER}&view=report",
    "nobody": "/?user=x:nobody",
    "nonsense": "/?user=%3Cb%3E",
}


EXPECTED = ("400", "401", "404")
"""What the browser itself says of answers that are no success."""


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """Give a page on a desk by day."""
    with watched(browser, address) as found:
        yield found


@contextmanager
def watched(
    browser: Browser, address: str, size: tuple[int, int] = DESKTOP, scheme: Literal["light", "dark"] = "light"
) -> Iterator[Page]:
    """Give a page, and see that it had no other host, no dialog and no error."""
    viewport: ViewportSize = {"width": size[0], "height": size[1]}
    context = browser.new_context(base_url=address, color_scheme=scheme, viewport=viewport)
    found = context.new_page()
    wrong: list[str] = []
    found.on("dialog", lambda dialog: wrong.append(dialog.message))
    found.on("pageerror", lambda error: wrong.append(str(error)))
    found.on("console", lambda line: wrong.append(line.text))
    found.on("request", lambda request: wrong.append(request.url))
    yield found
    context.close()
    assert [each for each in wrong if not each.startswith(address) and not any(s in each for s in EXPECTED)] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(
    browser: Browser, address: str, name: str, size: tuple[int, int], scheme: Literal["light", "dark"]
) -> None:
    """For eyes, ears and fingers, by day and night, on a desk and on a phone."""
    with watched(browser, address, size, scheme) as page:
        page.goto(PAGES[name])
        page.wait_for_selector("h1")
        assert Axe().run(page).response["violations"] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0]


@pytest.mark.parametrize("user", HOSTILE)
def test_a_hostile_name_is_text_and_leads_to_its_own_page(page: Page, user: str) -> None:
    """Names are strangers' text: shown, never obeyed."""
    page.goto("/")
    page.locator(f'a[href="/?{_asked(page, user)}"]').click()
    expect(page.locator("h1")).to_have_text(_visible(page, user))
    assert page.evaluate("document.querySelectorAll('main img, main script, main b').length") == 0


def _asked(page: Page, user: str) -> str:
    found: str = page.evaluate("user => new URLSearchParams({ user }).toString()", user)
    return found


def _visible(page: Page, user: str) -> str:
    found: str = page.evaluate("async user => (await import('/static/dom.js')).visible(user)", user)
    return found


def test_a_score_that_changes_changes_on_the_page(browser: Browser, redis_url: str, tmp_path: Path) -> None:
    """Live: without a reload, and said to who listens instead of looking."""
    prefix = f"{PREFIX}-live"
    before, after = score_of("x:a", 1, score=12.3), score_of("x:a", 2, score=13.4)
    write(redis_url, prefix, [before])
    with process(redis_url, prefix, tmp_path) as address, watched(browser, address) as page:
        page.goto("/?user=x:a")
        expect(page.locator("#score .big")).to_have_text("12.3 of 100")
        write(redis_url, prefix, [after], position=1)
        expect(page.locator("#score .big")).to_have_text("13.4 of 100")
        expect(page.get_by_role("status")).to_have_text("Score now 13.4")


def test_everything_can_be_done_by_keyboard(page: Page) -> None:
    """Skip the head, find somebody, open the numbers behind the chart."""
    page.goto("/")
    page.wait_for_selector("h1")
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    page.get_by_label("Find somebody").focus()
    page.keyboard.type(LEADER)
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text(LEADER)
    page.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("table", name="Score at the end of the day")).to_be_visible()


def test_the_chart_says_what_it_shows(page: Page) -> None:
    """Who does not see the line hears it."""
    page.goto(f"/?user={LEADER}")
    first, last = (rfc3339(NOON_MS + day * DAY_MS)[:10] for day in (0, 58))
    told = f"Score from 20.0 on {first} to 49.0 on {last}"
    expect(page.get_by_role("img")).to_have_attribute("aria-label", told)


def test_parts_on_the_page_add_up_to_the_score(page: Page) -> None:
    """What people add up must be right where they see it."""
    page.goto(f"/?user={LEADER}")
    cells = page.get_by_role("table", name="The parts add up to the score").locator("td:nth-child(2)")
    expect(cells).to_have_count(6)
    *points, together = map(float, cells.all_inner_texts())
    assert round(sum(points), 6) == together


def test_the_report_prints_without_what_is_only_for_screens(page: Page) -> None:
    """Paper has no buttons."""
    page.goto(PAGES["report"])
    expect(page.get_by_role("button", name="Print")).to_be_visible()
    page.emulate_media(media="print")
    expect(page.get_by_role("button", name="Print")).to_be_hidden()
    expect(page.get_by_role("search")).to_be_hidden()
    expect(page.get_by_role("heading", name="What changed")).to_be_visible()


def test_where_keys_are_asked_for_the_page_asks_the_reader(browser: Browser, redis_url: str, tmp_path: Path) -> None:
    """The key stays in the tab, and nothing is shown without it."""
    file = tmp_path / "keys.json"
    with changing(file) as keys:
        _, text = add(keys, "reader", Purpose.READ, now_s=wall_ms() / 1000)
    keyed = process(redis_url, PREFIX, tmp_path, api_keys_file=str(file))
    with keyed as address, watched(browser, address) as page:
        page.goto(f"/?user={quote(LEADER)}")
        page.get_by_label("Key for reading").fill(text)
        page.get_by_role("button", name="Use it").click()
        expect(page.locator("h1")).to_have_text(LEADER)
