"""The recordings that the evidence rests on: what they are, whose they are, and how each is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

SHIPPED: Final = Path(__file__).parents[1] / "ingest" / "sample"


@dataclass(frozen=True, slots=True)
class Source:
    """One recording; `file` is looked for in the folder of data sets, or among the shipped ones."""

    title: str
    file: str
    form: str
    cuts: str
    horizons: str
    rights: str
    profile: str = "burst"
    sizes: tuple[int, ...] = (10, 100, 1_000)
    seed: int = 1
    price: float = 0.01
    shipped: bool = False

    def path(self, folder: Path) -> Path:
        """Return where the file is expected."""
        return (SHIPPED if self.shipped else folder) / self.file

    def options(self) -> str:
        """Return what every command is told about the file."""
        return f"{Path(self.file).name} --format {self.form} --profile {self.profile}"


SOURCES: Final = {
    "higgs": Source(
        title="Higgs: a week of Twitter around one announcement, July 2012",
        file="higgs/higgs-activity_time.txt.gz",
        form="higgs",
        cuts="83h,95h,107h,119h,131h,143h",
        horizons="6h,24h,72h",
        rights=(
            "De Domenico, Lima, Mougel and Musolesi, The Anatomy of a Scientific Rumor, Scientific Reports 3:2980, "
            "2013; `higgs-activity_time.txt` of SNAP's higgs-twitter. No explicit licence is known, so it is not "
            "shipped, and nothing of it is copied here: all figures are aggregates, and nobody is named."
        ),
    ),
    "github": Source(
        title="GitHub: one hour of public activity, 2015-01-01 15:00 UTC",
        file="github-2015-01-01-15.ndjson.gz",
        form="gharchive",
        cuts="6",
        horizons="5m,15m",
        rights=(
            "GH Archive, reduced to who did what to whose repository. There is no uniform licence on the content of "
            "events; the demo ships it as its sample. All figures here are aggregates, and nobody is named."
        ),
        shipped=True,
    ),
}
