"""The guide can be read with weak eyes and with none."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from labkit.paths import ROOT
from tests.docs import reading

CSS = (ROOT / "docs" / "style.css").read_text()


def test_nobody_stumbles_over_a_page(site: Path) -> None:
    built = {
        file.relative_to(site).as_posix(): reading.stumbles(file.read_text()) for file in site.rglob("*.html")
    }

    assert len(built) > 25
    assert {name: found for name, found in built.items() if found} == {}


def test_what_one_stumbles_over_is_found() -> None:
    html = (
        "<html><h2>a</h2><h3>b</h3><h2>c</h2><h4>d</h4>"
        '<a href="x"><img src="y.png" alt=""></a><a href="y">Here</a><a id="no-link"></a><button><svg></svg></button>'
        '<iframe src="z"></iframe>'
        '<a href="named"><img src="y.png" alt="a name"></a><button title="Search"></button>'
    )

    assert reading.stumbles(html) == [
        "no language",
        "h2 behind nothing",
        "h4 behind h2",
        "a link without a name: x",
        "a link that says only “Here”: y",
        "a button without a name: button",
        "a frame without a name: z",
    ]


def test_every_colour_of_ours_can_be_told_from_what_is_behind_it() -> None:
    assert set(reading.schemes(CSS)) == {"default", "slate"}
    assert reading.faint(CSS) == []


def test_a_colour_that_is_too_weak_or_judged_by_nobody_is_found() -> None:
    weak = CSS.replace("--good: #14692f;", "--good: #6fbf73;\n  --new: #123456;")
    weak = weak.replace("--line: #7d8898;\n  --window: #2a3452;", "--line: #2a2f38;\n  --window: #2a3452;")

    assert reading.faint(weak) == [
        "default: new is judged by nobody",
        "default: good on md-default-bg-color has 2.2, 4.5 is needed",
        "slate: line on md-default-bg-color has 1.2, 3.0 is needed",
    ]


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ("#000000", "#ffffff", 21),
        ("#ffffff", "#000000", 21),
        ("#777777", "#ffffff", 4.48),
        ("#123456", "#123456", 1),
    ],
)
def test_contrast_is_counted_as_wcag_counts_it(one: str, other: str, ratio: float) -> None:
    assert reading.contrast(one, other) == pytest.approx(ratio, abs=0.01)


def test_no_rule_of_ours_has_a_colour_outside_of_the_two_schemes() -> None:
    rules = re.sub(r'\[data-md-color-scheme="\w+"\] \{.*?\}', "", CSS, flags=re.DOTALL)

    assert re.findall(r"#[0-9a-fA-F]{3,8}\b|rgba?\(|hsla?\(", rules) == []
