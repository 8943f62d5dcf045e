"""The page's plots, as SVG in data URIs. No text of the user's gets into them: legends are written in HTML."""

import contextlib
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from gan_jax.report import data_uris

INK, GREY, LINE = "#2b2926", "#77716a", "#d9d4cc"
PERIOD_COLOURS = {"early": "#35588a", "between": "#c08a2e", "late": "#a8483a"}
# Of periods beside these, in order of time; the ninth has the colour of the first.
FURTHER_COLOURS = ("#5f7f5f", "#7a5a8c", "#43858e", "#8c6d52", "#b5658f", "#8f9a3c", "#4b4f9c", "#b98d73")
CURVE_COLOURS = ("#35588a", "#a8483a", "#5f7f5f", "#c08a2e", "#7a5a8c", "#43858e", "#8c6d52", "#6b6b6b")
STYLE: dict[Any, Any] = {  # by names for which Matplotlib has a type since 3.11, and none before
    "font.family": "DejaVu Serif",
    "font.size": 9,
    "text.color": INK,
    "axes.labelcolor": GREY,
    "axes.edgecolor": LINE,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": GREY,
    "ytick.labelcolor": GREY,
    "lines.linewidth": 1.6,
    "lines.solid_capstyle": "round",
    "svg.fonttype": "path",
    "svg.hashsalt": "gan_jax",
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
}
MOST_POINTS = 300  # a curve is drawn with at most as many; more than a screen shows only makes the page heavy


@contextlib.contextmanager
def _style() -> Iterator[None]:
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        yield


def _svg(figure: Figure) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", bbox_inches="tight", pad_inches=0.04, metadata={"Date": None, "Creator": None})
    return data_uris.data_uri(buffer.getvalue(), "image/svg+xml")


def _name_beside(axes, name: str, level: float) -> None:
    """Writes a name on the right of the axes, at a level."""
    axes.annotate(
        name,
        (1, level),
        (4, 0),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        va="center",
        color=GREY,
        fontsize=8,
        annotation_clip=False,
    )


def _year_ticks(axes) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=12))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda year, _: f"{year:.0f}"))


def paintings_by_year(years: np.ndarray, periods: np.ndarray, colours: Sequence[str], bin_years: int) -> str:
    """Returns how many paintings a year there are, stacked by period.

    years: int [n], already the first year of the painting's bin. periods: int [n], the period's place in `colours`.
    """
    with _style():
        figure = Figure(figsize=(8.2, 2.6))
        axes = figure.add_subplot()
        positions = np.arange(years.min(), years.max() + 1, bin_years)
        base = np.zeros(len(positions))
        for period in np.unique(periods):
            heights = np.array([np.sum((years == position) & (periods == period)) for position in positions])
            axes.bar(positions + (bin_years - 1) / 2, heights, 0.82 * bin_years, base, color=colours[period])
            base += heights
        for position, height in zip(positions, base, strict=True):
            if height and len(positions) <= 30:
                axes.annotate(
                    f"{height:.0f}",
                    (position + (bin_years - 1) / 2, height),
                    (0, 3),
                    textcoords="offset points",
                    ha="center",
                    color=GREY,
                    fontsize=8,
                )
        _year_ticks(axes)
        axes.tick_params(axis="x", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_yticks([])
        return _svg(figure)


def error_by_period(errors: Sequence[np.ndarray], colours: Sequence[str], unrelated: float | None) -> str:
    """Returns one row a period: a dot for each painting, the box of the middle half and the median; a line for `unrelated`."""
    with _style():
        figure = Figure(figsize=(8.2, 0.6 + 0.75 * len(errors)))
        axes = figure.add_subplot()
        scatter = np.random.default_rng(0)
        for place, (values, shade) in enumerate(zip(errors, colours, strict=True)):
            heights = -place + scatter.uniform(-0.28, 0.28, len(values))
            shown = np.linspace(0, len(values) - 1, min(len(values), MOST_POINTS)).round().astype(int)
            axes.plot(np.sort(values)[shown], heights[shown], ".", markersize=4, color=shade, alpha=0.35, markeredgewidth=0)
            low, middle, high = np.percentile(values, [25, 50, 75])
            axes.barh(-place, high - low, 0.5, low, facecolor="none", edgecolor=shade, linewidth=1.2)
            axes.plot([middle, middle], [-place - 0.25, -place + 0.25], color=shade, linewidth=2.6, solid_capstyle="butt")
        if unrelated is not None:
            axes.axvline(unrelated, color=INK, linewidth=1, linestyle=(0, (3, 3)))
            axes.annotate(
                "two unrelated paintings",
                (unrelated, 0.5),
                (-4, 0),
                textcoords="offset points",
                ha="right",
                va="center",
                color=GREY,
                fontsize=8,
            )
        axes.set_xlim(left=0)
        axes.set_ylim(0.6 - len(errors), 0.65)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("error")
        return _svg(figure)


def over_t(
    t: np.ndarray,
    years: tuple[float, float] | None,
    curves: Sequence[tuple[str, np.ndarray, np.ndarray, np.ndarray]],
    lines: Sequence[tuple[str, float, float | None, float | None]],
) -> str:
    """Returns a distance along the morphs.

    t: [T]. years: mean years at t = 0 and 1, for a second axis, or None. curves: (colour, value, low, high) with [T] each.
    lines: (label of ours, value, low, high) for what does not depend on t, a band where it has an interval.
    """
    with _style():
        figure = Figure(figsize=(8.2, 3.7))
        axes = figure.add_subplot()
        for label, level, least, most in lines:
            if least is not None and most is not None:
                axes.axhspan(least, most, color=LINE, alpha=0.6, linewidth=0)
            axes.axhline(level, color=GREY, linewidth=1, linestyle=(0, (3, 3)))
            _name_beside(axes, label, level)
        for shade, value, low, high in curves:
            axes.fill_between(t, low, high, color=shade, alpha=0.14, linewidth=0)
            axes.plot(t, value, color=shade, marker="o", markersize=3.5)
        axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
        axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.set_ylabel("distance (KID)")
        axes.set_xlabel("t, from the early painting (0) to the late one (1)")
        if years is not None and years[1] != years[0]:
            first, span = years[0], years[1] - years[0]

            def year_at(place: Any) -> Any:
                return first + place * span

            def place_of(year: Any) -> Any:
                return (year - first) / span

            above = axes.secondary_xaxis("top", functions=(year_at, place_of))
            above.set_xlabel("mean year")
            _year_ticks(above)
            above.spines["top"].set_visible(False)
        return _svg(figure)


def years_over_t(
    t: np.ndarray,
    true: np.ndarray,
    curves: Sequence[tuple[str, np.ndarray, np.ndarray, np.ndarray]],
    periods: Mapping[str, tuple[float, float, float]],
) -> str:
    """Returns what year frames look like along the morphs.

    t: [T]. true: [T], the mean year that the frames stand for. curves: (colour, value, low, high) with [T] each. periods: the mean
    year said of the real paintings of each, with its interval.
    """
    with _style():
        figure = Figure(figsize=(8.2, 3.7))
        axes = figure.add_subplot()
        for name, (year, least, most) in periods.items():
            axes.axhspan(least, most, color=PERIOD_COLOURS.get(name, GREY), alpha=0.18, linewidth=0)
            _name_beside(axes, f"real {name} paintings", year)
        axes.plot(t, true, color=GREY, linewidth=1, linestyle=(0, (3, 3)))
        for shade, value, low, high in curves:
            axes.fill_between(t, low, high, color=shade, alpha=0.14, linewidth=0)
            axes.plot(t, value, color=shade, marker="o", markersize=3)
        axes.set_xlim(-0.02, 1.02)
        axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda year, _: f"{year:.0f}"))
        axes.set_ylabel("year that the frames look like")
        axes.set_xlabel("t, from the early painting (0) to the late one (1)")
        return _svg(figure)


def quantity_over_years(
    years: np.ndarray,
    value: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    means: Sequence[tuple[str, float, float, float, float, float]],
    unit: str,
    circle: float | None,
) -> str:
    """Returns a smoothed quantity of style with its band, all [points]. Angles are drawn without their jump at `circle`.

    means: of each period (colour, first year, last year, value, low, high), drawn as a line over its years.
    """
    with _style():
        figure = Figure(figsize=(4.0, 2.3))
        axes = figure.add_subplot()
        if circle is not None:
            shift = np.unwrap(value, period=circle) - value
            value, low, high = value + shift, low + shift, high + shift
        axes.fill_between(years, low, high, color=INK, alpha=0.13, linewidth=0)
        axes.plot(years, value, color=INK)
        for shade, start, end, mean, least, most in means:
            turns = circle * np.round((np.interp((start + end) / 2, years, value) - mean) / circle) if circle is not None else 0.0
            axes.fill_between([start, end], least + turns, most + turns, color=shade, alpha=0.25, linewidth=0)
            axes.plot([start, end], [mean + turns] * 2, color=shade, linewidth=2.4, solid_capstyle="butt")
        axes.yaxis.set_major_locator(MaxNLocator(4))
        if circle is not None:
            axes.yaxis.set_major_formatter(FuncFormatter(lambda angle, _: f"{angle % circle:g}"))
        axes.set_ylabel(unit)
        _year_ticks(axes)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
        return _svg(figure)


def curves_over_images(images: np.ndarray, panels: Sequence[Mapping[str, tuple[str, np.ndarray]]], levels: Mapping[float, int]) -> str:
    """Draws training curves over thousands of images seen, one panel above the other, with level changes marked.

    images: [n], images seen. panels: name -> (colour, values [n] with NaN where there is none). levels: images seen ->
    resolution that starts there.
    """
    with _style():
        figure = Figure(figsize=(8.2, 0.7 + 1.9 * len(panels)))
        all_axes = np.atleast_1d(figure.subplots(len(panels), 1, sharex=True))
        for axes, panel in zip(all_axes, panels, strict=True):
            for shade, values in panel.values():
                place, middle, low, high = _thin(images / 1000, values)
                axes.fill_between(place, low, high, color=shade, alpha=0.16, linewidth=0)
                axes.plot(place, middle, color=shade, linewidth=1.3)
            for start in levels:
                axes.axvline(start / 1000, color=LINE, linewidth=0.8, zorder=0)
            axes.yaxis.set_major_locator(MaxNLocator(4))
            axes.margins(x=0.01)
        for start, resolution in levels.items():
            all_axes[0].annotate(
                f"{resolution} px",
                (start / 1000, 1),
                (3, 2),
                xycoords=("data", "axes fraction"),
                textcoords="offset points",
                color=GREY,
                fontsize=8,
            )
        all_axes[-1].xaxis.set_major_formatter(FuncFormatter(lambda place, _: f"{place:,.0f}" if place >= 10 else f"{place:g}"))
        all_axes[-1].set_xlabel("thousand images seen (kimg)")
        return _svg(figure)


def _thin(places: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Groups neighbouring points: mean place, and median, 10th and 90th percentile of the values, of at most MOST_POINTS groups."""
    known = np.isfinite(values)
    groups = np.array_split(np.stack([places[known], values[known]]), min(MOST_POINTS, max(1, known.sum())), axis=1)
    points = [(group[0].mean(), *np.percentile(group[1], [50, 10, 90])) for group in groups if group.size]
    place, middle, low, high = np.array(points).reshape(-1, 4).T
    return place, middle, low, high
