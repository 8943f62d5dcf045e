"""From a workdir to report.html."""

import base64
import hashlib
import json
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

import jinja2
from markupsafe import Markup

from gan_jax import files
from gan_jax.report import figures, judged, morphs, networks, paintings, sources, style
from gan_jax.report.results import Results, evaluated

MOST_SETTINGS = 500
# Characters that no browser shows and HTML does not admit are made visible as the replacement character.
CONTROLS = {code: "\ufffd" for code in [*range(9), 11, *range(14, 32), *range(127, 160), *range(0xD800, 0xE000)]}
# Characters that change the direction of what stands around them; unbalanced ones reach beyond a <bdi>, but not beyond a box.
DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def write_report(workdir: pathlib.Path) -> pathlib.Path:
    """Writes workdir/report.html from what the stages left in `workdir`, and returns its path.

    Only the collection must be there; of every other part that is missing the page says which command makes it. The page is one file
    that loads nothing and runs nothing but its own script, without which it can be read all the same. Figures are rounded to three
    significant digits (counts and years are whole; a year is the calendar year the date falls in). Raises UserError for results that
    can't be read.
    """
    results = Results.load(pathlib.Path(workdir))
    path = results.workdir / "report.html"
    shown = page(results)
    # What a section only passes on is looked at by the template.
    text = evaluated(results, lambda _: render("template.html", shown)) or render("template.html", shown)
    with files.atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path


def page(results: Results) -> dict[str, Any]:
    """Returns what the template shows of a study, section by section; None for those that nothing was made for yet."""
    shown = paintings.Paintings.of(results)
    passages = morphs.morph_section(results, shown)
    years = passages["mean_years"] if passages else None
    return {
        "name": results.workdir.resolve().name,
        "collection": paintings.collection_section(shown),
        "limits": sources.limits(results.collection),
        "records": sources.records(results.collection, _date_columns(results)),
        "morphs": passages,
        "samples": networks.sample_section(results.workdir),
        "inversion": networks.inversion_section(results.inversion, shown),
        "evaluation": evaluated(results, lambda found: figures.evaluation_section(found, years)),
        "judged": evaluated(results, lambda found: judged.judged_section(results, found, shown)),
        "style": evaluated(results, lambda found: style.style_section(results, found, shown)),
        "training": networks.training_section(results.log),
        "made": making_section(results.record),
    }


def _date_columns(results: Results) -> list[str]:
    """Returns the column of the table that the config calls the date, if it names one."""
    named = results.setting("collection", "columns", "date")
    return [named] if named and isinstance(named, str) else []


def render(template: str, context: Mapping[str, Any]) -> str:
    """Returns a page from its template, with the one script that it may run, whose digest the page's policy names."""
    script = (pathlib.Path(__file__).parent / "report.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(pathlib.Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_visible,
    )
    environment.filters |= {"year": paintings.year_text, "number": figures.number_text, "whole": lambda value: f"{value:,.0f}"}
    environment.tests["reordering"] = lambda text: not DIRECTIONS.isdisjoint(text)
    return environment.get_template(template).render(script=Markup(script), script_digest=digest, **context)


def _visible(value: object) -> object:
    return value.translate(CONTROLS) if type(value) is str else value


def making_section(record: Mapping[str, Any]) -> dict | None:
    """Returns the settings, the versions of what ran, the device and how long each stage took; None where that is not on record."""
    if not record:
        return None
    return {
        "settings": list(_flat(record.get("config", {})))[:MOST_SETTINGS],
        "versions": list(_flat(record.get("versions", {})))[:MOST_SETTINGS],
        "device": str(record.get("device") or ""),
        "stages": _seconds(record.get("stages", {})),
    }


def _seconds(stages: object) -> list[tuple[str, float]]:
    """Returns how long each stage took, where that is on record."""
    entries = stages.items() if isinstance(stages, dict) else ()
    times = [(name, stage.get("seconds")) for name, stage in entries if isinstance(stage, dict)]
    return [(name, seconds) for name, seconds in times if isinstance(seconds, int | float)]


def _flat(tree: object, prefix: str = "") -> Iterator[tuple[str, str]]:
    """The leaves of nested settings as (dotted name, text)."""
    if not isinstance(tree, dict):
        yield prefix, tree if isinstance(tree, str) else json.dumps(tree, ensure_ascii=False)
        return
    for name, value in tree.items():
        yield from _flat(value, f"{prefix}.{name}" if prefix else name)
