"""Charts as SVG, written by hand: lines over two logarithmic axes, several charts side by side."""
import dataclasses
import math
import pathlib
from xml.sax.saxutils import escape

COLOURS = ["#1b6ca8", "#c8553d", "#3a7d44", "#8a5a9e", "#b8860b", "#555555"]
WIDTH, HEIGHT = 330, 300
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 30, 44


@dataclasses.dataclass
class Chart:
    title: str
    x_name: str
    y_name: str
    lines: dict[str, list[tuple[float, float]]]  # name: points, both numbers above 0


def decades(low: float, high: float) -> list[float]:
    return [10.0**power for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]


def shown(value: float) -> str:
    return f"{value:g}"


def draw(chart: Chart) -> str:
    """The chart as a group whose upper left corner is 0, 0."""
    xs = sorted({x for points in chart.lines.values() for x, _ in points})
    ys = decades(*(pick(y for points in chart.lines.values() for _, y in points) for pick in (min, max)))

    def place(value: float, low: float, high: float, first: float, last: float) -> float:
        return first + (last - first) * math.log(value / low) / math.log(high / low)

    def x_of(x: float) -> float:
        return place(x, xs[0], xs[-1], LEFT, WIDTH - RIGHT)

    def y_of(y: float) -> float:
        return place(y, ys[0], ys[-1], HEIGHT - BOTTOM, TOP)

    parts = [f'<text x="{WIDTH / 2}" y="16" text-anchor="middle" font-weight="bold">{escape(chart.title)}</text>']
    for y in ys:
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y_of(y):.1f}" y2="{y_of(y):.1f}" stroke="#dddddd"/>'
                     f'<text x="{LEFT - 5}" y="{y_of(y) + 4:.1f}" text-anchor="end">{shown(y)}</text>')
    last = -math.inf
    for x in xs:
        if x_of(x) - last >= 30:  # no label over another
            last = x_of(x)
            parts.append(f'<text x="{last:.1f}" y="{HEIGHT - BOTTOM + 15}" text-anchor="middle">{shown(x)}</text>')
    parts.append(f'<text x="{WIDTH / 2}" y="{HEIGHT - 12}" text-anchor="middle">{escape(chart.x_name)}</text>')
    parts.append(f'<text transform="translate(13 {HEIGHT / 2}) rotate(-90)" text-anchor="middle">{escape(chart.y_name)}</text>')
    for number, (name, points) in enumerate(chart.lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        path = " ".join(f"{x_of(x):.1f},{y_of(y):.1f}" for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x_of(x):.1f}" cy="{y_of(y):.1f}" r="2.5" fill="{colour}"/>' for x, y in points]
        parts.append(f'<text x="{LEFT + 8}" y="{TOP + 12 + 14 * number}" fill="{colour}">{escape(name)}</text>')
    return "\n".join(parts)


def write(path: str, charts: list[Chart]) -> None:
    groups = "\n".join(f'<g transform="translate({number * WIDTH} 0)">\n{draw(chart)}\n</g>'
                       for number, chart in enumerate(charts))
    size = f'width="{len(charts) * WIDTH}" height="{HEIGHT}" viewBox="0 0 {len(charts) * WIDTH} {HEIGHT}"'
    pathlib.Path(path).write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="11">\n'
        f'<rect width="100%" height="100%" fill="white"/>\n{groups}\n</svg>\n', encoding="utf-8")
