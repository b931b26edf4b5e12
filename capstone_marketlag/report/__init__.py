"""The report of a run: one HTML file that needs nothing else, made of the run's folder alone.

    read       the dumps, counted again                    draw       the charts, as SVG
    sections   finding -> markets -> flagged -> confidence -> records -> run
    markup     what is not markup is escaped               page       the shell, and style.css

Its numbers are counted in the dumps. Only what they do not hold is taken from summary.json: seconds, memory,
whose pieces, and whether the oracle agrees.
"""

from __future__ import annotations

import os
from pathlib import Path

from capstone_marketlag.report import page
from capstone_marketlag.report.read import facts
from capstone_marketlag.report.sections import confidence, finding, flagged, markets, records, run


def write_report(folder: Path) -> Path:
    """Write report.html into the folder of a run, from what is in it; its path.

    Reads summary.json, world.json, topics/*.jsonl and tables/*.jsonl, whatever a wrong pipeline left in them.
    Raises LabError: there is no summary.json.
    """
    found = facts.read(folder)
    sections = [each.section(found) for each in (markets, flagged, confidence, records, run)]
    text = page.html(finding.title(found), finding.section(found), *sections)
    path, half = folder / "report.html", folder / "report.html.new"
    half.write_text(text, encoding="utf-8")
    os.replace(half, path)
    return path
