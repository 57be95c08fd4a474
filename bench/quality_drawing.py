# SPDX-License-Identifier: Apache-2.0
"""The curve of quality against time as SVG: axes, a dot for each setting, and a list of those that have a number."""
import html
import math

LEFT, RIGHT, TOP, BOTTOM, WIDTH, HEIGHT = 70, 600, 50, 450, 940, 500
MOST_POINTS_BELOW = 1.5  # what ranks so much worse than the base is drawn on the lower edge


class Axis:
    """From values to places in the drawing."""

    def __init__(self, least, most, low, high, logarithmic=False):
        self.form = math.log if logarithmic else float
        self.logarithmic, self.least, self.most, self.low, self.high = logarithmic, least, most, low, high

    def place(self, value):
        start, span = self.form(self.least), (self.form(self.most) - self.form(self.least)) or 1
        return self.low + (self.form(min(max(value, self.least), self.most)) - start) / span * (self.high - self.low)

    def ticks(self):
        if self.logarithmic:
            steps = [digit * 10.0 ** power for power in range(-3, 7) for digit in (1, 2, 5)]
        else:
            step = next(s for s in (0.1, 0.2, 0.5, 1, 2, 5, 10) if (self.most - self.least) / s <= 8)
            steps = [step * i for i in range(math.floor(self.least / step), math.ceil(self.most / step) + 1)]
        return [value for value in steps if self.least <= value <= self.most]


def text(x, y, content, **style):
    attributes = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in style.items())
    return f'<text x="{x:.1f}" y="{y:.1f}"{attributes}>{html.escape(content)}</text>'


def grid(seconds, quality):
    parts = []
    for value in seconds.ticks():
        x = seconds.place(value)
        parts += [f'<path d="M{x:.1f} {TOP}V{BOTTOM}" stroke="#eee"/>',
                  text(x, BOTTOM + 16, f"{value:g}", text_anchor="middle")]
    for value in quality.ticks():
        y = quality.place(value)
        parts += [f'<path d="M{LEFT} {y:.1f}H{RIGHT}" stroke="#eee"/>',
                  text(LEFT - 6, y + 4, f"{value:.1f}", text_anchor="end")]
    return [*parts, f'<path d="M{LEFT} {TOP}V{BOTTOM}H{RIGHT}" fill="none" stroke="#888"/>',
            text((LEFT + RIGHT) / 2, BOTTOM + 36, "CPU seconds of training", text_anchor="middle")]


def drawing(heading, points, numbered, curve, base):
    """points: name -> (CPU seconds, quality); numbered, curve: names."""
    least = max(min(q for _, q in points.values()), points[base][1] - MOST_POINTS_BELOW) - 0.1
    seconds = Axis(0.9 * min(s for s, _ in points.values()), 1.1 * max(s for s, _ in points.values()), LEFT, RIGHT, True)
    quality = Axis(least, max(q for _, q in points.values()) + 0.1, BOTTOM, TOP)
    at = {name: (seconds.place(s), quality.place(q)) for name, (s, q) in points.items()}
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in sorted(at[name] for name in curve))
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
             'font-size="11">', f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
             text(LEFT, 26, heading, font_size=15), *grid(seconds, quality),
             f'<polyline fill="none" stroke="#2a7" points="{line}"/>']
    for name, (x, y) in sorted(at.items(), key=lambda item: item[0] in numbered):
        colour = "#2a7" if name in curve else "#c60" if name in numbered else "#aaa"
        hint = html.escape(f"{name}: {points[name][0]:.1f} s, {points[name][1]:.2f}")
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{8 if name in numbered else 3}" fill="{colour}">'
                     f"<title>{hint}</title></circle>")
        if name in numbered:
            parts.append(text(x, y + 4, str(numbered.index(name) + 1), text_anchor="middle", fill="white"))
    for i, name in enumerate(numbered):
        parts.append(text(RIGHT + 30, TOP + 10 + 18 * i,
                          f"{i + 1}  {name}: {points[name][0]:.1f} s, {points[name][1]:.2f}"))
    n_below = sum(q < least for _, q in points.values())
    if n_below:
        below = "1 setting ranks" if n_below == 1 else f"{n_below} settings rank"
        parts.append(text(RIGHT + 30, BOTTOM, f"{below} below the lower edge"))
    return "\n".join([*parts, "</svg>"]) + "\n"
