"""Which worker does the attempts of which profile; a literal, so that it can be read."""

from collections.abc import Mapping

from coordinator.domain.names import ProfileName
from coordinator.domain.worker import Worker

from .copy import Copy
from .links import Links
from .merge import Merge
from .search import Search
from .sitemap import Sitemap

WORKERS: Mapping[ProfileName, Worker] = {
    ProfileName("sitemap"): Sitemap(),
    ProfileName("links"): Links(),
    ProfileName("search"): Search(),
    ProfileName("merge"): Merge(),
    ProfileName("copy"): Copy(),
}
