"""The verdict on each cell: as a table, as the JSON that all suites write, and as a picture."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from contest import Cell, Spread


def judge(cell: Cell, results: dict[str, Spread]) -> dict[str, Any]:
    """One cell as all suites write it."""

    def of_role(role: str) -> dict[str, Spread]:
        return {one.name: results[one.name] for one in cell.entrants if one.role == role and one.name in results}

    ours_name, ours = next(iter(of_role("ours").items()))
    rivals = of_role("rival")
    best = min(rivals, key=lambda name: rivals[name].median, default=None)
    ratios = {name: results[name].median / ours.median for name in cell.ratios if name in results}
    met = [ours.median <= cell.value] if cell.value is not None else []
    met += [ratio >= cell.ratios[name] for name, ratio in ratios.items()]
    wanted = " and ".join(f"{ratio:g}x to {name}" for name, ratio in cell.ratios.items())
    if cell.value is None:
        goal, goal_is = next(iter(cell.ratios.values()), None), f"ratio of {wanted}" if wanted else None
    else:
        goal, goal_is = cell.value, f"value and ratio of {wanted}" if wanted else "value"
    return {
        "cell": cell.name,
        "unit": f"{cell.unit}/op",
        "higher_is_better": False,
        "ours_name": ours_name,
        "ours": asdict(ours),
        "variants": {name: asdict(spread) for name, spread in of_role("variant").items()},
        "rivals": {name: asdict(spread) for name, spread in rivals.items()},
        "references": {name: asdict(spread) for name, spread in of_role("reference").items()},
        "best": best,
        "ratio": rivals[best].median / ours.median if best is not None else None,
        "goal": goal,
        "goal_is": goal_is,
        "goal_ratios": ratios,
        "met": all(met) if met else None,
    }


def table(judged: dict[str, Any]) -> str:
    """One cell for people: everybody by their median, and how many times ours that is."""
    ours = judged["ours"]["median"]
    rows = [(judged["ours_name"], "", judged["ours"])]
    for role in ("variants", "rivals", "references"):
        rows += [(name, role[:-1], spread) for name, spread in judged[role].items()]
    rows[1:] = sorted(rows[1:], key=lambda row: row[2]["median"])
    verdict = {True: "met", False: "MISSED", None: "no goal"}[judged["met"]]
    goal = f": {judged['goal']:g} ({judged['goal_is']})" if judged["goal"] is not None else ""
    lines = [f"\n{judged['cell']}, {judged['unit']}   [{verdict}{goal}]"]
    for name, role, spread in rows:
        numbers = f"{spread['median']:>10.1f}  [{spread['min']:.1f} .. {spread['max']:.1f}]"
        lines.append(f"  {name:<40}{numbers:<36}{spread['median'] / ours:>8.2f}x  {role}")
    return "\n".join(lines)


ROW, TOP, NAMES, BARS, BEST = 16, 70, 300, 560, 240
DOUBLINGS = (-2.0, 7.0)
MET, MISSED = "#1f68a6", "#be5624"


def picture(title: str, cells: Sequence[dict[str, Any]]) -> str:
    """One bar a cell: how often ours is the best rival."""
    rows = [cell for cell in cells if cell["ratio"] is not None]
    width, height = NAMES + BARS + BEST, TOP + ROW * len(rows) + 20
    parts = [f'<rect width="{width}" height="{height}" fill="#fff"/>']
    parts.append(_text(NAMES, 24, f"{title}: how many times faster than the best rival; orange misses its goal", size=15))
    for doubling in range(int(DOUBLINGS[0]), int(DOUBLINGS[1]) + 1):
        x = _across(2.0**doubling)
        shade = "#333" if doubling == 0 else "#ddd"
        parts.append(f'<line x1="{x}" y1="{TOP - 8}" x2="{x}" y2="{height - 16}" stroke="{shade}"/>')
        parts.append(_text(x, TOP - 14, f"{2.0**doubling:g}x", anchor="middle"))
    for number, cell in enumerate(rows):
        y = TOP + ROW * number
        left, right = sorted((_across(1.0), _across(cell["ratio"])))
        color = MISSED if cell["met"] is False else MET
        parts.append(_text(NAMES - 8, y + 12, cell["cell"], anchor="end"))
        parts.append(f'<rect x="{left}" y="{y + 2}" width="{max(right - left, 1)}" height="{ROW - 4}" fill="{color}"/>')
        parts.append(_text(NAMES + BARS + 8, y + 12, f"{cell['ratio']:.2f}x  {cell['best']}"))
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif">\n{body}\n</svg>\n'
    )


def _across(ratio: float) -> int:
    low, high = DOUBLINGS
    doublings = min(max(math.log2(max(ratio, 1e-9)), low), high)
    return NAMES + int((doublings - low) / (high - low) * BARS)


def _text(x: float, y: float, text: str, *, anchor: str = "start", size: int = 11) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-size="{size}">{html.escape(text)}</text>'
