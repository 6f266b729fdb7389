"""The site that planted outputs are about: pages, a price list and a few numbers, drawn by chance."""

import random
from collections.abc import Mapping
from dataclasses import dataclass

PRODUCTS = ("anvil", "bellows", "chisel", "drill", "easel", "funnel", "gimlet", "hammer", "jigsaw")
_ROWS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One product."""

    name: str
    price: int
    stock: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What the repository holds."""

    rows: tuple[Row, ...]
    retries: int
    timeout_s: int

    @property
    def prices(self) -> str:
        """Returns the price list as CSV."""
        lines = [f"{row.name},{row.price},{row.stock}" for row in self.rows]
        return "\n".join(["name,price,stock", *lines]) + "\n"

    @property
    def guide(self) -> str:
        """Returns the guide, with a link that leads nowhere."""
        return (
            "# Guide\n\n"
            f"The client retries {self.retries} times and waits {self.timeout_s} seconds each time.\n"
            "Its log is kept for a week. See [the start](start.md) and [the list](../data/prices.csv).\n"
        )

    @property
    def files(self) -> Mapping[str, str]:
        """Returns every file."""
        return {
            "data/prices.csv": self.prices,
            "docs/guide.md": self.guide,
            "docs/intro/start.md": "# Start\n\nInstall it, then read the guide.\n",
            "docs/private/notes.md": "# Notes\n\nNot for readers.\n",
            "public/index.html": '<a href="about.html">About</a>\n',
            "public/about.html": '<a href="index.html">Home</a>\n',
            "public/sitemap.xml": SITEMAP,
            "src/client.py": f"RETRIES = {self.retries}\nTIMEOUT_S = {self.timeout_s}\n",
            "memory/state.md": "# State\n",
        }


SITEMAP = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
    "  <url><loc>https://site.example/index.html</loc></url>\n"
    "</urlset>\n"
)


def drawn(chance: random.Random) -> Site:
    """Returns a site with numbers of its own; no two prices and no two stocks are equal."""
    names = sorted(chance.sample(PRODUCTS, _ROWS))
    prices = chance.sample(range(12, 98), _ROWS)
    stocks = chance.sample(range(3, 60), _ROWS)
    rows = (Row(name=n, price=p, stock=s) for n, p, s in zip(names, prices, stocks, strict=True))
    return Site(rows=tuple(rows), retries=chance.randint(3, 6), timeout_s=chance.randint(20, 40))
