"""What a waiting person sees where there is no terminal."""

import io

from deploy.local.progress import Shown


def test_a_download_is_told_in_plain_lines_a_quarter_each() -> None:
    """A build log keeps every line; a moving bar would fill it."""
    out = io.StringIO()
    with Shown(out).download("Kafka", 4_000_000) as advance:
        for _ in range(400):
            advance(10_000)
    lines = out.getvalue().splitlines()
    assert lines == ["Kafka: downloading 4.0 MB", *(f"Kafka: {n}.0 of 4.0 MB" for n in (1, 2, 3, 4))]


def test_a_notice_is_shown_as_it_is() -> None:
    """Folder names may hold brackets, which must not be read as markup."""
    out = io.StringIO()
    Shown(out).say("waiting for [bold]/data")
    assert out.getvalue() == "waiting for [bold]/data\n"
