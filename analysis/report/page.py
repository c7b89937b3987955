"""Self-contained HTML pages from the templates."""

from __future__ import annotations

import base64
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from analysis.wording import p_value
from dqn_exp.text import format_number, format_value

if TYPE_CHECKING:
    from analysis.report.figures.painting import Picture

DPI = 150
"""Pixels per inch of the figures (PNG)."""
WITHIN = 40_000
"""The most characters of a figure's CSV that a page contains; it links to the file of a longer one."""
SCRIPT = files("analysis").joinpath("templates", "page.js").read_text()


def render_page(template: str, **content: Any) -> str:
    """Render `template` to a page. Everything in `content` is escaped."""
    environment = Environment(
        loader=PackageLoader("analysis"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters.update(
        number=format_number,
        value=format_value,
        p_value=p_value,
        zip=zip,
        data_uri=_data_uri,
        shown_width=_shown_width,
        numbers_link=_numbers_link,
    )
    environment.globals.update(script=Markup(SCRIPT), script_hash=_hash(SCRIPT))  # our own file
    return environment.get_template(template).render(content)


def _hash(script: str) -> str:
    """Hash for the page's content security policy, which allows only this script."""
    return f"sha256-{base64.b64encode(sha256(script.encode()).digest()).decode()}"


def _numbers_link(picture: Picture) -> str:
    """Link to the CSV of a figure: a data URI if it is short, so that the page needs no other file."""
    if len(picture.csv) > WITHIN:
        return f"figures/{quote(picture.name)}.csv"
    return f"data:text/csv;charset=utf-8;base64,{base64.b64encode(picture.csv.encode()).decode()}"


def _data_uri(png: bytes) -> Markup:
    return Markup("data:image/png;base64,") + base64.b64encode(png).decode()


def _shown_width(png: bytes) -> int:
    """Width in CSS pixels that shows a figure at its size in inches: text has the same size in all."""
    return round(int.from_bytes(png[16:20]) * 96 / DPI)
