"""The site that the demo works on: a small one, with the faults that small sites have."""

BASE_URL = "https://harbour.example"

_CSS = """\
body { font-family: sans-serif; margin: 2rem auto; max-width: 40rem; }
nav a { margin-right: 1rem; }
"""

_PAGES: dict[str, tuple[str, str]] = {
    "index.html": ("Harbour", "Boats, tides and a cafe by the water."),
    "about.html": (
        "About",
        'Known as Acorn Quay until it was rebuilt. <a href="team.html">The crew</a>.',
    ),
    "contact.html": ("Contact", 'Write, or <a href="visit/index.html">come by</a>.'),
    "tides.html": ("Tides", "High water at six, more or less."),
    "prices.html": ("Prices", "A berth costs less in winter."),
    "news/index.html": ("News", 'The <a href="2024-regatta.html">regatta</a> is back.'),
    "news/2024-regatta.html": ("Regatta", "Thirty boats and no wind."),
    "news/2024-dredging.html": ("Dredging", "The Acorn Quay basin is two metres deep again."),
    "news/2025-cafe.html": ("The cafe", "Open all year from now on."),
    "visit/index.html": ("Visit", 'By <a href="by-boat.html">boat</a> or on foot.'),
    "visit/by-boat.html": ("By boat", "Call on channel nine."),
    "visit/on-foot.html": ("On foot", "Follow the signs to Acorn Quay."),
    "visit/map.html": ("Map", 'Back to <a href="../index.html#top">the start</a>.'),
    "legal.html": ("Legal", "No fishing from the bridge."),
}

_NOT_IN_SITEMAP = (
    "legal.html",
    "news/2025-cafe.html",
    "visit/map.html",
    "visit/on-foot.html",
)
_GONE = "news/2019-storm.html"

_DOCS = {
    "docs/guide.md": """\
# Keeping this site

Read [how to publish](publish.md) first, then [the questions people ask](faq.md).
Pictures are described under [pictures](publish.md#pictures).
""",
    "docs/publish.md": """\
# Publishing

Pages are plain HTML. The [style rules](style.md) are short.

## Pictures

Keep them small; see [the guide](guide.md).
""",
    "docs/help/faq.md": """\
# Questions people ask

Start with [the guide](../guide.md).
""",
    "docs/reference/style.md": """\
# Style

Short sentences. No exclamation marks.
""",
    "README.md": """\
# Harbour

The site of a small harbour. How to keep it: [the guide](docs/guide.md).
""",
}


def files() -> dict[str, str]:
    """Returns the whole site, by path: 14 pages, four of which the sitemap misses; one entry is dead."""
    found = {path: _page(path, title, text) for path, (title, text) in _PAGES.items()}
    found["style.css"] = _CSS
    found["sitemap.xml"] = _sitemap()
    return found | _DOCS


def _page(path: str, title: str, text: str) -> str:
    up = "../" * path.count("/")
    return f"""\
<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title><link rel="stylesheet" href="{up}style.css"></head>
<body id="top">
<nav><a href="{up}index.html">Home</a><a href="{up}tides.html">Tides</a><a href="{up}news/index.html">News</a></nav>
<h1>{title}</h1>
<p>{text}</p>
</body>
</html>
"""


def _sitemap() -> str:
    listed = sorted({*_PAGES, _GONE} - set(_NOT_IN_SITEMAP))
    entries = "".join(f"  <url><loc>{BASE_URL}/{path}</loc></url>\n" for path in listed)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
        f"{entries}</urlset>\n"
    )
