"""The page in a real browser: axe-core, keyboard, phone, dark mode, print, and no external resources."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from analysis.report import sweep_report
from analysis.report.sweep_report import write_report
from analysis.study import write_report as write_study_report
from tests.analysis.browser import DESKTOP, PHONE, faults, opened, overflows, started
from tests.analysis.study.test_report import confirmation, make
from tests.analysis.synthetic import write_sweep

VIEWS = [(DESKTOP, "light"), (PHONE, "dark")]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with started() as found:
        yield found


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report, with few figures, on two sweeps side by side, in which one axis is tested."""
    root = tmp_path_factory.mktemp("page")
    drawn = sweep_report._plots
    times = {0.1: 10_000, 0.2: 20_000, 0.3: 30_000}
    write_sweep(root / "a", {"lr": [*times]}, 6, lambda cell, seed: times[cell["lr"]] + 2000 * seed)
    write_sweep(root / "b", {"batch": [32, 256]}, 3, lambda cell, seed: 4000 + 500 * seed, {"lr": 0.1})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sweep_report, "_plots", lambda part: islice(drawn(part), 2))
        return write_report([root / "a", root / "b"], root / "report")


@pytest.mark.parametrize(("size", "scheme"), VIEWS)
def test_axe_finds_nothing_and_nothing_is_asked_for(
    browser: Any, page: Path, size: tuple[int, int], scheme: str
) -> None:
    with opened(browser, page, size, scheme) as tab:
        assert faults(tab) == []
        assert not overflows(tab)


def test_axe_finds_nothing_in_the_page_of_a_study(
    browser: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analysis.study.report.paint_all", lambda plots: [])
    study = make(n=12)
    study.set_user_attr("confirmation", confirmation())
    with opened(browser, write_study_report(study, tmp_path), PHONE, "dark") as tab:
        assert faults(tab) == []
        assert not overflows(tab)


def test_the_summary_fits_the_first_screen(browser: Any, page: Path) -> None:
    with opened(browser, page) as tab:
        assert tab.locator(".screen").bounding_box()["height"] + 110 < DESKTOP[1]
        assert tab.locator("details").count() > 5
        assert not tab.locator("#methods dl").is_visible()


def test_a_table_sorts_by_keyboard(browser: Any, page: Path) -> None:
    with opened(browser, page) as tab:
        head = tab.get_by_role("columnheader", name="T, env steps")
        times = "#trials tbody tr td:nth-child(4)"
        tab.locator("#trials summary").press("Enter")
        for order, reverse in (("ascending", False), ("descending", True)):
            while not head.get_by_role("button").evaluate("it => it === document.activeElement"):
                tab.keyboard.press("Tab")
            tab.keyboard.press("Enter")
            assert head.get_attribute("aria-sort") == order
            shown = [
                float(text.replace("\u202f", "").strip("> ")) for text in tab.locator(times).all_inner_texts()
            ]
            assert shown == sorted(shown, reverse=reverse)
            assert len(set(shown)) > 3
        assert tab.locator("#trials th[aria-sort]").count() == 1


def test_a_figure_enlarges_by_keyboard_and_escape_closes_it(browser: Any, page: Path) -> None:
    with opened(browser, page) as tab:
        title = "Sweep by sweep"
        button = tab.get_by_role("button", name=f"Enlarge: {title}.")
        small = tab.locator("figure img").first.bounding_box()
        button.focus()
        tab.keyboard.press("Enter")
        large = tab.locator("dialog img")
        assert large.bounding_box()["width"] > 1.5 * small["width"]
        assert large.get_attribute("alt").startswith(f"{title}. ")
        assert faults(tab, "dialog") == []
        tab.keyboard.press("Escape")
        assert not large.is_visible()
        assert button.evaluate("it => it === document.activeElement")


def test_a_link_opens_the_section_that_it_leads_to(browser: Any, page: Path) -> None:
    with opened(browser, page) as tab:
        tab.get_by_role("link", name="Methods").press("Enter")
        tab.locator("#methods dl").wait_for(state="visible")
        assert not tab.locator("#provenance dl").is_visible()
    with opened(browser, page, PHONE) as tab:
        tab.get_by_role("button", name="Open all sections").press("Enter")
        assert tab.locator("#provenance dl").is_visible()


def test_print_shows_what_is_folded_and_no_buttons(browser: Any, page: Path) -> None:
    with opened(browser, page, scheme="dark") as tab:
        tab.emulate_media(media="print", color_scheme="dark")
        for section in ("methods", "trials", "provenance"):
            assert tab.locator(f"#{section} dl, #{section} table").first.bounding_box()["height"] > 20
        assert not tab.get_by_role("button", name="Open all sections").is_visible()
        assert tab.evaluate("() => getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_the_page_reads_without_scripts(browser: Any, page: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto((page).as_uri())
    tab.locator("#trials summary").click()
    assert tab.locator("#trials table").is_visible()
    assert tab.get_by_role("button").count() == 0
    context.close()
