"""A page: one HTML file that holds all it needs and asks the network for nothing, for screen, phone and paper."""

from collections.abc import Sequence
from functools import cache
from html import escape
from importlib import resources
from pathlib import Path
from string import Template
from typing import Literal

import msgspec
from plotly.offline import get_plotlyjs

from autofutures.backtest.panels import Panel
from autofutures.domain.errors import BadInput

UpColour = Literal["red", "green"]
"""The colour of a rise and a gain: red in Taiwan."""


class Page(msgspec.Struct, frozen=True):
    """What a page shows: `body` and `footer` are HTML, title and subtitle are text.

    `charts` is the JSON that `scripts` read, files of this folder that run after those of every page.
    """

    title: str
    subtitle: str
    body: str
    panels: Sequence[Panel]
    footer: str = ""
    charts: bytes = b"{}"
    scripts: tuple[str, ...] = ()


def page_html(page: Page, up_colour: UpColour = "red") -> str:
    """The page as text; the same data gives the same bytes."""
    return Template(packaged("page.html")).substitute(
        title=escape(page.title),
        subtitle=escape(page.subtitle),
        up_colour=up_colour,
        body=page.body,
        footer=page.footer,
        charts=_script_safe(page.charts),
        panels=_script_safe(msgspec.json.encode(list(page.panels))),
        css=packaged("report.css"),
        plotly=_plotly(),
        script="\n".join(packaged(name) for name in ("scheme.js", "panels.js", *page.scripts)),
    )


def write_page(text: str, path: Path) -> None:
    """Writes it.

    Raises:
        BadInput: the file cannot be written.
    """
    try:
        path.write_text(text, "utf-8", newline="\n")
    except OSError as error:
        raise BadInput(
            f"cannot write the report to {path}: {error.strerror}; name a file in a folder that exists"
        ) from error


def listed(lines: Sequence[str]) -> str:
    """Lines of text as a list."""
    if not lines:
        return '<p class="quiet">None.</p>'
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


@cache
def packaged(name: str) -> str:
    """A file of this folder."""
    return resources.files("autofutures.backtest").joinpath(name).read_text("utf-8")


@cache
def _plotly() -> str:
    return str(get_plotlyjs())


def _script_safe(data: bytes) -> str:
    """JSON in which no text can end the script element that it stands in."""
    return data.decode().replace("<", "\\u003c")
