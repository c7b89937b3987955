"""Self-contained HTML pages from the templates."""

from __future__ import annotations

import base64
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from analysis.report.findings import p_value
from dqn_exp.text import format_number, format_value

DPI = 150
"""Pixels per inch of the figures (PNG)."""


def render_page(template: str, **content: Any) -> str:
    """The page of `template`; everything in `content` is escaped."""
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
    )
    return environment.get_template(template).render(content)


def _data_uri(png: bytes) -> Markup:
    return Markup("data:image/png;base64,") + base64.b64encode(png).decode()


def _shown_width(png: bytes) -> int:
    """Pixels of CSS that show a figure at its size in inches, so that all have letters of one size."""
    return round(int.from_bytes(png[16:20]) * 96 / DPI)
