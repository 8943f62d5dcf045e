"""What the page says of where the paintings come from, and of what their photographs and files may have put into the figures."""

from collections.abc import Sequence

import numpy as np

from gan_jax.collection.column_names import DATE_NAMES, YEAR_MONTH_NAMES, YEAR_NAMES, key_of
from gan_jax.collection.paintings import Collection
from gan_jax.report.paintings import MOST_NAMES

# Names of columns as `key_of` writes them, the most telling first.
WRITTEN = (*DATE_NAMES, *YEAR_MONTH_NAMES, *YEAR_NAMES)
SOURCES = ("source", "museum", "collection", "institution", "repository", "owner", "url", "link", "website", "quelle", "musee")
IDENTIFIERS = ("identifier", "id", "objectid", "objectnumber", "accessionnumber", "accession", "inventorynumber", "inventory", "catalogue",
               "wikidata", "fnumber", "jhnumber")  # fmt: skip
RIGHTS = ("rights", "license", "licence", "copyright", "creditline", "credit")
COLOURLESS = 0.02  # mean distance of the colours of a pixel, of 1: a photograph in black and white
UNSHARP = 0.25  # of the median difference of neighbouring pixels, below which a photograph is much less sharp than most


def limits(collection: Collection) -> dict:
    """Returns how many files were enlarged, and how many photographs are without colour or much less sharp than most.

    Returns counts: 'paintings', 'enlarged' of those whose size is known, 'colourless', 'unsharp'.
    """
    resolution, paintings = collection.images.shape[1], collection.paintings
    colour, detail = np.zeros(len(paintings)), np.zeros(len(paintings))
    for k, image in enumerate(collection.images):
        pixels = np.asarray(image, np.float32) / 255
        colour[k] = np.ptp(pixels, axis=2).mean()
        light = pixels.mean(axis=2)
        detail[k] = (np.abs(np.diff(light, axis=0)).mean() + np.abs(np.diff(light, axis=1)).mean()) / 2
    return {
        "paintings": len(paintings),
        "enlarged": sum(min(painting.width, painting.height) < resolution for painting in paintings),
        "colourless": int(np.sum(colour < COLOURLESS)),
        "unsharp": int(np.sum(detail < UNSHARP * np.median(detail))) if len(detail) else 0,
    }


def records(collection: Collection, named: Sequence[str] = ()) -> dict:
    """Returns each painting's date as written, source, identifier and rights, as far as the table has them.

    named: columns that the config calls the date. Returns 'columns', those that are there, and 'rows' with 'title', 'year', 'values'.
    """
    columns = list(collection.paintings[0].columns) if collection.paintings else []
    roles = {"as written": WRITTEN, "source": SOURCES, "identifier": IDENTIFIERS, "rights": RIGHTS}
    found = {role: _column(collection, columns, names) for role, names in roles.items()}
    if there := next((name for name in named if name in columns), None):
        found["as written"] = there
    used = {role: column for role, column in found.items() if column}
    rows = [
        {"title": painting.title, "year": painting.year, "values": [painting.columns[column] for column in used.values()]}
        for painting in collection.paintings[:MOST_NAMES]
    ]
    return {"columns": list(used), "rows": rows if used else []}


def _column(collection: Collection, columns: Sequence[str], names: Sequence[str]) -> str | None:
    """Returns the first column of these names in which anything is written."""
    keys = {key_of(column): column for column in columns}
    places = [keys[name] for name in names if name in keys]
    return next((place for place in places if any(painting.columns[place].strip() for painting in collection.paintings)), None)
