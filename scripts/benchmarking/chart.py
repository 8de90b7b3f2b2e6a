"""Bar charts as SVG, written by hand."""

import math
from xml.sax.saxutils import escape

WIDTH = 860
LEFT, RIGHT = 270, 70
BAR, GAP, GROUP_GAP = 19, 4, 34
INK, FAINT = "#1f2933", "#d5dae1"
FONT = "font-family=\"system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif\""
COLOURS = ["#0b6e99", "#4ba3c3", "#9fd0e3", "#c8553d", "#e08e45", "#7a5c99", "#8a8f98", "#3d8361", "#a3b18a",
           "#d9ae94", "#5c677d", "#b5838d"]


def text(x, y, content, size=13, anchor="start", colour=INK, weight="normal"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{colour}" '
            f'font-weight="{weight}">{escape(content)}</text>')


def rectangle(x, y, width, height, colour):
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(0.0, width):.1f}" height="{height:.1f}" fill="{colour}"/>'


def ink_on(colour):
    """Black or white, whichever can be read on a colour."""
    red, green, blue = (int(colour[place:place + 2], 16) for place in (1, 3, 5))
    return INK if 0.299 * red + 0.587 * green + 0.114 * blue > 150 else "#ffffff"


def ticks(largest, wanted=6):
    """Round numbers from 0 to a little beyond the largest value."""
    rough = max(largest, 1e-9) / wanted
    unit = 10 ** math.floor(math.log10(rough))
    step = next(factor * unit for factor in [1, 2, 2.5, 5, 10] if factor * unit >= rough)
    return [place * step for place in range(math.ceil(largest / step - 1e-9) + 1)]


def document(title, subtitle, height, body):
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:.0f}" '
        f'viewBox="0 0 {WIDTH} {height:.0f}" {FONT} role="img" aria-label="{escape(title)}">',
        rectangle(0, 0, WIDTH, height, "#ffffff"), text(24, 34, title, 18, weight="600"),
        text(24, 56, subtitle, 12.5, colour="#52606d"), *body, "</svg>", ""])


def axis(largest, top, bottom, label, unit):
    """Vertical grid lines with numbers below; returns elements, and the function from values to places."""
    marks = ticks(largest)
    width = WIDTH - LEFT - RIGHT

    def place(value):
        return LEFT + width * value / marks[-1]

    elements = []
    for mark in marks:
        elements.append(f'<line x1="{place(mark):.1f}" x2="{place(mark):.1f}" y1="{top}" y2="{bottom:.1f}" '
                        f'stroke="{INK if mark == 0 else FAINT}" stroke-width="1"/>')
        elements.append(text(place(mark), bottom + 17, f"{mark:g}{unit}", 12, "middle", "#52606d"))
    elements.append(text(LEFT + width / 2, bottom + 38, label, 12.5, "middle", "#52606d"))
    return elements, place


def legend(names, colours, top):
    """Coloured squares with names, in lines as wide as the chart; returns elements and the place below."""
    elements, x, y = [], 24.0, top
    for name in names:
        width = 30 + 7.1 * len(name)
        if x + width > WIDTH - 24:
            x, y = 24.0, y + 22
        elements.append(rectangle(x, y - 10, 12, 12, colours[name]))
        elements.append(text(x + 18, y, name, 12.5))
        x += width + 12
    return elements, y + 22


def grouped_bars(title, subtitle, label, groups, unit="", decimals=1, colours=None, reference=None):
    """Horizontal bars in groups. `groups`: [(name, [(series, value or None)])]; a reference line at a value."""
    names = list(dict.fromkeys(series for _, bars in groups for series, _ in bars))
    colours = colours or {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(names)}
    head, top = legend(names, colours, 84)
    largest = max([value for _, bars in groups for _, value in bars if value is not None] + [reference or 0])
    bottom = top + sum(len(bars) * (BAR + GAP) + GROUP_GAP for _, bars in groups) - GROUP_GAP + 14
    grid, place = axis(largest, top, bottom, label, unit)
    body, y = head + grid, top + 7
    if reference is not None:
        x = place(reference)
        body.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{bottom:.1f}" stroke="{INK}" '
                    'stroke-width="1.4" stroke-dasharray="5 4"/>')
    for name, bars in groups:
        middle = y + len(bars) * (BAR + GAP) / 2
        for line, part in enumerate(name.split(", ", 1)):
            body.append(text(LEFT - 14, middle + 1 + 17 * line, part, 13.5 if line == 0 else 12, "end",
                             INK if line == 0 else "#52606d", "600" if line == 0 else "normal"))
        for series, value in bars:
            if value is None:
                body.append(text(LEFT + 6, y + 14, "not measured", 11.5, colour="#7b8794"))
            else:
                body.append(rectangle(LEFT, y, place(value) - LEFT, BAR, colours[series]))
                shown = text(place(value) + 6, y + 14, f"{value:.{decimals}f}{unit}", 12)
                # A white rim keeps it apart from the lines below it.
                body += [shown.replace("<text", '<text stroke="#ffffff" stroke-width="4"'), shown]
            y += BAR + GAP
        y += GROUP_GAP
    return document(title, subtitle, bottom + 56, body)


def stacked_bars(title, subtitle, label, groups, unit=""):
    """Horizontal bars of parts. `groups`: [(name, [(bar, [(part, value)])])]."""
    parts = list(dict.fromkeys(part for _, bars in groups for _, values in bars for part, _ in values))
    colours = {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(parts)}
    head, top = legend(parts, colours, 84)
    rows = sum(len(bars) for _, bars in groups)
    bottom = top + rows * (BAR + 9) + len(groups) * GROUP_GAP + 4
    largest = max(sum(value for _, value in values) for _, bars in groups for _, values in bars)
    grid, place = axis(largest, top, bottom, label, unit)
    body, y = head + grid, top + 4
    for name, bars in groups:
        body.append(text(24, y + 17, name, 13, weight="600"))
        y += GROUP_GAP - 8
        for bar, values in bars:
            body.append(text(LEFT - 14, y + 14, bar, 12.5, "end"))
            start = 0.0
            for part, value in values:
                left, right = place(start), place(start + value)
                body.append(rectangle(left, y, right - left, BAR, colours[part]))
                shown = f"{value:.0f}"
                if right - left > 9 + 7 * len(shown):
                    body.append(text((left + right) / 2, y + 14, shown, 11.5, "middle", ink_on(colours[part])))
                start += value
            y += BAR + 9
        y += 8
    return document(title, subtitle, bottom + 56, body)
