"""The drawings that need no script: inline SVG, coloured by the page's style."""

from collections.abc import Sequence

from heisenbug.fitting.calibration import Bin

# The diagram's square and the strip of counts under it, in the units of the drawing.
LEFT, TOP, SIDE, STRIP = 44, 14, 300, 44
WIDTH, HEIGHT = LEFT + SIDE + 16, TOP + SIDE + STRIP + 54
BAR = 8


def reliability_diagram(bins: Sequence[Bin], asked: float) -> str:
    """Claimed against came true, one dot a bin with its count in the strip below; `asked` is the least that trades."""
    parts = [
        f'<svg class="drawing" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="reliability-title">',
        '<title id="reliability-title">How often claims came true, by what was claimed</title>',
        *(_grid(tenth / 4) for tenth in range(5)),
        f'<line class="ideal" x1="{_x(0)}" y1="{_y(0)}" x2="{_x(1)}" y2="{_y(1)}"/>',
        f'<line class="limit" x1="{_x(asked)}" y1="{TOP}" x2="{_x(asked)}" y2="{_y(0)}"/>',
        _text(float(_x(asked)) - 4, TOP + 10, f"asked {asked:g}", "end" if asked > 0.3 else "start"),
        *_strip(bins),
        *map(_dot, bins),
        _text(LEFT + SIDE / 2, HEIGHT - 6, "claimed", "middle"),
        f'<text transform="translate(10 {TOP + SIDE / 2:g}) rotate(-90)" text-anchor="middle">came true</text>',
        "</svg>",
    ]
    return "".join(parts)


def bar(part: float) -> str:
    """A horizontal bar that fills this part of its place."""
    width = f"{max(min(part, 1), 0) * 100:.2f}%"
    return (
        f'<svg class="bar" width="100%" height="{BAR}" aria-hidden="true">'
        f'<rect class="track" width="100%" height="{BAR}" rx="2"/><rect width="{width}" height="{BAR}" rx="2"/></svg>'
    )


def _x(fraction: float) -> str:
    return f"{LEFT + SIDE * fraction:.1f}"


def _y(fraction: float) -> str:
    return f"{TOP + SIDE * (1 - fraction):.1f}"


def _grid(at: float) -> str:
    foot = TOP + SIDE + STRIP + 20
    return (
        f'<line class="grid" x1="{_x(0)}" y1="{_y(at)}" x2="{_x(1)}" y2="{_y(at)}"/>'
        f'<line class="grid" x1="{_x(at)}" y1="{TOP}" x2="{_x(at)}" y2="{TOP + SIDE}"/>'
        + _text(LEFT - 6, float(_y(at)) + 4, f"{at:.0%}", "end")
        + _text(float(_x(at)), foot, f"{at:.0%}", "middle")
    )


def _dot(bin: Bin) -> str:
    told = f"claimed {bin.claimed:.1%}, came true {bin.realised:.1%}, {bin.count:,} conversions"
    return f'<circle cx="{_x(bin.claimed)}" cy="{_y(bin.realised)}" r="5"><title>{told}</title></circle>'


def _strip(bins: Sequence[Bin]) -> list[str]:
    """The counts as columns, none so low that it cannot be seen."""
    foot, most = TOP + SIDE + STRIP + 4, max(bin.count for bin in bins)
    return [
        f'<rect class="count" x="{float(_x(bin.low)) + 1:.1f}" y="{foot - height:.1f}" '
        f'width="{SIDE * (bin.high - bin.low) - 2:.1f}" height="{height:.1f}"/>'
        for bin in bins
        for height in [max((STRIP - 8) * bin.count / most, 1)]
    ]


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>'
