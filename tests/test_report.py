"""The page: everything of a study is in it, as text or picture, and nothing that runs or loads."""

import base64
import hashlib
import html.parser
import inspect
import io
import json
import pathlib
import re
import shutil

import numpy as np
import pytest
from PIL import Image

from gan_jax import files, reading
from gan_jax.collection.paintings import Collection, Painting
from gan_jax.collection.sources import Skipped
from gan_jax.errors import UserError
from gan_jax.evaluation.evaluation import Evaluation
from gan_jax.latents.inverted import Inversion
from gan_jax.latents.samples import Samples
from gan_jax.metrics.distances import DISTANCES, Distance
from gan_jax.metrics.properties import PROPERTIES
from gan_jax.morphing.morphs import Morphs
from gan_jax.report import data_uris, figures, morphs, networks, paintings, plots, results, sources
from gan_jax.report.comparison import write_comparison
from gan_jax.report.page import write_report
from gan_jax.training import players

SIZE, FRAMES = 16, 5
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{7*7}}{% for x in y %}",
    "\u202egnp.exe \u2066",
    "\u2069\u2069\u202egnp.exe",
    "$\\frac{1}{0}$ & &lt;b&gt; 'quoted' `x`",
    "javascript:alert(1)//</style></title><!--",
    "Tournesols, l'été — 向日葵 %s {0}",
]


class Page(html.parser.HTMLParser):
    """What a browser would see: the elements with their attributes, the text, and the tables' rows as texts of their cells."""

    def __init__(self, markup: str):
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.rows: list[list[str]] = []
        self.in_cell = False
        self.feed(markup)
        self.text = "".join(self.texts)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self.in_cell = True

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.in_cell = False

    def handle_data(self, data):
        self.texts.append(data)
        if self.in_cell:
            self.rows[-1][-1] += data

    def having(self, attribute: str) -> list[tuple[str, dict[str, str]]]:
        return [(tag, attributes) for tag, attributes in self.elements if attribute in attributes]


def estimate(value: float) -> dict:
    return {"value": value, "low": value - 0.5, "high": value + 0.5, "reason": None}


def said_of(value: float) -> dict:
    return {"value": value, "low": value - 0.25, "high": value + 0.25}


def comparison(a: str, b: str, value: float) -> dict:
    return {
        "a": a,
        "b": b,
        "n_a": 9,
        "n_b": 1234,
        **{name: distance_of(each, 10**place * value) for place, (name, each) in enumerate(DISTANCES.items())},
    }


def distance_of(distance: Distance, value: float) -> dict:
    known = {"low": value - 0.5, "high": value + 0.5, "spread": 0.25}
    return distance.absent(None) | {"value": value} | {name: known[name] for name in distance.beside} | by_level(distance, 7.125)


def by_level(distance: Distance, value: float) -> dict:
    return {"by_level": {"16": value}} if distance.by_level else {}


def floor(value: float) -> dict:
    figure = {"value": value, "spread": 0.0317, "reason": None}
    absent = {"value": None, "spread": None, "reason": "<b>too few</b> paintings"}
    floors = {name: figure | by_level(each, 2.375) for name, each in DISTANCES.items()}
    return {"n": 4, "repeats": 8, **floors, "frechet": absent}


def mean_of(pairs: int, value: float, error: float) -> dict:
    return {"value": value, "error": error, "n": 9, "pairs": pairs, "reason": None}


@pytest.fixture
def workdir(tmp_path):
    return make_study(tmp_path)


def make_study(tmp_path):
    """12 paintings, 4 early, 4 between, 4 late, two pairs, with every part of a study and hostile texts in all of them."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "<i>study"
    titles = [*HOSTILE, *(f"Painting {number}" for number in range(4))]
    years = [1880.5, 1881.25, 1882.0, 1882.99, 1884, 1884, 1885, 1885, 1888, 1889, 1890, 1890.875]
    periods = ["early"] * 4 + ["between"] * 4 + ["late"] * 4
    columns = [
        {"year": f"c. {int(year)}", "Museum": f"<b>{n}</b>", "Accession number": "", "Rights": "CC0"} for n, year in enumerate(years)
    ]
    paintings = tuple(
        Painting(f"{number}.jpg", title, year, 0.0, period, 90, 80, columns[number])
        for number, (title, year, period) in enumerate(zip(titles, years, periods, strict=True))
    )
    images = rng.integers(0, 256, (12, SIZE, SIZE, 3), np.uint8)
    skipped = (Skipped("x.jpg", "<u>Lost</u>", "unreadable: <x>"), Skipped("y.jpg", "", "unreadable: y"))
    collection = Collection(paintings, images, skipped)
    collection.save(folder / "collection")

    inverted = [0, 1, 2, 3, 8, 9, 10, 11]
    n, figures = len(inverted), 0.1 * np.arange(1, len(inverted) + 1)
    inversion = Inversion(
        latents=rng.normal(size=(n, 4)).astype(np.float32),
        reconstructions=images[inverted],
        error=figures,
        correlation=np.full(n, 0.8125),
        structure=figures,
        features=figures,
        loss=figures,
        disagreement=figures,
        steps=np.full(n, 7),
        limit=0.35,
        recovered=np.array([0.1, 0.2]),
        paintings=[collection.describe(i) for i in inverted],
    )
    inversion.save(folder / "inversion")

    frames, t = rng.integers(0, 256, (2, FRAMES, SIZE, SIZE, 3), np.uint8), np.linspace(0, 1, FRAMES)
    ends = [(1, 9), (0, 11)]
    way = np.stack([years[first] + t * (years[last] - years[first]) for first, last in ends])
    Morphs(ends, [0.25, 1.25], [(i, f"<q>{i}</q>") for i in (2, 3, 8, 10)], t, way, frames).save(folder / "morphs", collection.describe)
    for name in ("set", "pair_001"):
        film = [Image.fromarray(frame) for frame in frames[0]]
        film[0].save(folder / "morphs" / f"{name}.gif", save_all=True, append_images=film[1:], duration=100, loop=0)

    (folder / "samples").mkdir()
    for kimg in (0, 12, 1000):
        Image.fromarray(images[0]).save(folder / "samples" / f"kimg_{kimg:06d}.png")
    Image.fromarray(images[1]).save(folder / "samples" / "final.png")
    (folder / "log").mkdir()
    lines = [
        json.dumps({"images": 1000 * n, "level": 2 + n // 5, "resolution": 4.0 * 2 ** (n // 5), "loss/discriminator": -n, "loss/<b>": n})
        for n in range(10)
    ]
    (folder / "log" / "metrics.jsonl").write_text("\n".join([*lines, '{"images": 99', "[1]", "null", '{"images": NaN}', '{"ima']))

    settings = {"model": {"name": "<s>pggan</s>"}, "seed": 3}
    files.write_json(folder / "config.json", {"config": settings, "versions": {"jax": "0.7.2"}, "stages": {"train": {"seconds": 61.5}}})
    names = ("early", "between", "late")
    moments = [
        {
            "t": t,
            "against": {name: comparison("frames", name, 1.5 + k + t) for k, name in enumerate(names)},
            **{name: mean_of(77, 0.123456, 0.01) for name in PROPERTIES},
        }
        for t in np.linspace(0, 1, FRAMES).tolist()
    ]
    lying = {"precision": 0.625, "recall": 0.5, "density": 0.75, "coverage": 0.875, "reason": None}
    rank = {"value": 0.8125, "low": 0.5, "high": 0.96875}
    passage = {"rank": rank, "later": "yes", "between": "undecided", "between_part": said_of(0.375), "between_reason": None}
    passage["by_t"] = [{"year": 1881 + 2 * k, "value": 1883.0 + k, "low": 1882.0 + k, "high": 1884.0 + k} for k in range(FRAMES)]
    said = {"value": 1884.0, "low": 1883.0, "high": 1885.0}
    curve = {key: [1.0, 2.0, 3.0] for key in ("value", "low", "high")} | {"years": [1880.0, 1885.0, 1890.0]}
    evaluation = {
        "seed": 0,
        "features": ["texture", "<b>colour"],
        "without": [{"features": "inception", "reason": "no <net>"}],
        "resolution": SIZE,
        "sets": {"early": 4},
        "competitors": {"cross-fade": moments},
        "standing": [{"name": "the early works", "comparison": comparison("early", "between", 4.5)}],
        "middle": {"k": 2, "t": 0.5, "year": 1885.2},
        "verdicts": [
            {"name": name, "verdict": verdict, "difference": gap, "power": power, "could_not_be_shown": power == 0.25, "text": text}
            for name, verdict, gap, power, text in (
                ("cross-fade", "nearer", estimate(-1.25), 0.875, "Nearer <than>."),
                ("the late works", "undecided", estimate(0.125), 0.25, "Small."),
                ("the early works", None, {"value": None, "reason": "too few"}, None, "No."),
            )
        ],
        "manifold": {"generated": lying, "floor": lying, "frames": [{"t": 0.0, **lying}] * FRAMES},
        "chronology": {
            "reason": None,
            "works": 12,
            "groups": 11,
            "folds": 5,
            "error": 1.25,
            "guess": 2.5,
            "correlation": 0.75,
            "text": "Later.",
            "periods": {"early": said, "between": None, "late": said},
            **passage,
            "competitors": {"cross-fade": passage | {"between": "silent", "between_part": None, "between_reason": "no <paintings>"}},
        },
        "copies": {
            "reason": None,
            "threshold": 0.5,
            "expected": 0.05,
            "works": 1,
            "chance": 0.125,
            "generated": {"n": 3, "near": 1, "part": 0.25},
            "by_t": [],
            "text": "1 of 3.",
        },
        "truth": {
            "text": "The truth.",
            "parameters": [{"name": "curl_size", "skill": 0.9375, "early": 0.0, "late": 1.0}],
            "competitors": [
                {"name": "this study", "error": 0.125, "low": 0.1, "high": 0.2, "by_parameter": {"curl_size": 0.375}, "by_t": []}
            ],
        },
        "style": [
            {"name": "hue", "unit": "degrees", "about": "The <hue>.", "circle": 360.0, **curve, "periods": {"early": said, "between": None}}
        ],
        "other": {
            "<b>colour": {
                "comparisons": [comparison("generated", "training", 7.5)],
                "ceiling": comparison("early", "late", 8.5),
                "floors": {"training": floor(0.5)},
                "middle": {"this study": comparison("frames", "between", 6.5)},
            }
        },
        "summary": ["It is <so>."],
        "answer": {"asked": "Is it <so>?", "found": "Yes, <so>.", "sure": "One in forty.", "compared": "Beside <four>."},
        "comparisons": [comparison("generated", "training", 0.0123456)],
        "morph": moments,
        "floors": {name: floor(0.5 + k) for k, name in enumerate([*names, "training"])},
        "ceiling": comparison("early", "late", 9.876),
        **{name: {"generated": mean_of(200, 0.31415, 0.0271828), "training": mean_of(200, 0.25, 0.03125)} for name in PROPERTIES},
        "notes": ["<em>note</em>"],
    }
    nearest = [
        {"image": k, "looks_like": "", "resembles_index": 2, "nearest_index": k, "distance": 0.5 - k / 10, "copy": k // 2} for k in range(3)
    ]
    Samples(images[:3]).save(folder / "samples")
    shown = [
        {"pair": pair, "frame": k, "year": "", "looks_like": 1883.5 + k, "resembles_index": 4 + k}
        for pair in range(2)
        for k in range(FRAMES)
    ]
    ahead = [
        {"index": k, "year": year, "looks_like": year + k - 5.5, "ahead": k - 5.5, "map_x": k / 11, "map_y": 0.5}
        for k, year in enumerate(years)
    ]
    Evaluation(evaluation, {"works": ahead, "frames": shown, "generated": nearest}).save(folder)
    return folder


def read(path) -> Page:
    return Page(path.read_text(encoding="utf-8"))


def test_nothing_runs_and_nothing_is_loaded(workdir):
    path = write_report(workdir)
    assert path == workdir / "report.html"
    page = read(path)
    scripts = [attributes for tag, attributes in page.elements if tag == "script"]
    assert scripts == [{"type": "application/json", "id": "player-paintings"}, {}]
    assert {tag for tag, _ in page.elements}.isdisjoint({"iframe", "object", "embed", "base", "form", "u", "q", "s", "em"})
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    for attribute in ("src", "srcset", "href", "poster", "data", "action"):
        for tag, attributes in page.having(attribute):
            assert attributes[attribute].startswith("data:" if attribute != "href" or tag == "link" else "#"), (tag, attribute)
    policies = [attributes["content"] for tag, attributes in page.having("http-equiv")]
    script = (pathlib.Path(data_uris.__file__).parent / "report.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policies == [f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; media-src data:; script-src 'sha256-{digest}'"]
    assert f"<script>{script}</script>" in path.read_text(encoding="utf-8")
    assert "url(" not in "".join(page.texts) and "@import" not in "".join(page.texts)


def test_links_lead_somewhere_and_pictures_have_words(workdir):
    page = read(write_report(workdir))
    places = [attributes["id"] for _, attributes in page.having("id")]
    assert len(places) == len(set(places))
    assert {attributes["href"][1:] for tag, attributes in page.having("href") if tag == "a"} <= set(places)
    images = [attributes for tag, attributes in page.elements if tag == "img"]
    assert len(images) > 20
    assert all(image["alt"].strip() for image in images)


def test_every_picture_can_be_decoded(workdir):
    page = read(write_report(workdir))
    kinds = set()
    for uri in [attributes["src"] for _, attributes in page.having("src")] + [
        attributes["srcset"] for _, attributes in page.having("srcset")
    ]:
        kind, content = re.fullmatch(r"data:image/([a-z+]+);base64,([A-Za-z0-9+/=]+)", uri).groups()
        content = base64.b64decode(content, validate=True)
        kinds.add(kind)
        if kind == "svg+xml":
            assert content.lstrip().startswith(b"<?xml") and content.rstrip().endswith(b"</svg>")
        else:
            Image.open(io.BytesIO(content)).load()
    # Pair 0 has no GIF and moves as WebP, its first frame is large enough for JPEG.
    assert kinds == {"png", "jpeg", "gif", "webp", "svg+xml"}


def test_titles_are_text_exactly_as_they_are(workdir):
    page = read(write_report(workdir))
    words = [attributes.get("alt", "") for _, attributes in page.elements]
    for title in HOSTILE:
        assert any(title in alt for alt in words), title
    for title in (HOSTILE[0], HOSTILE[1], HOSTILE[2], HOSTILE[3]):
        assert title in page.texts, title
    assert "49" not in [text.strip() for text in page.texts]
    assert "<i>study" in page.texts
    for text in ("<u>Lost</u>", "<x>", "<q>8</q>", "<s>pggan</s>", "<b>too few</b>", "<em>note</em>", "loss/<b>"):
        assert text in page.text, text


def test_titles_that_turn_the_direction_of_writing_stand_in_a_box_of_their_own(workdir):
    page = read(write_report(workdir))
    boxes = [attributes for tag, attributes in page.elements if tag == "bdi"]
    assert [box for box in boxes if box].count({"class": "apart"}) == page.texts.count(HOSTILE[3]) + page.texts.count(HOSTILE[4]) > 0
    assert re.search(r"\.apart \{ display: inline-block; \}", page.text)


def test_every_pair_and_every_painting_without_one_is_there(workdir):
    page = read(write_report(workdir))
    frames = {attributes["id"]: (tag, attributes) for tag, attributes in page.having("id")}
    for early, late in ((1, 9), (0, 11)):
        for one, other in ((f"early-{early}", f"late-{late}"), (f"late-{late}", f"early-{early}")):
            assert frames[one][0] == "a" and frames[one][1]["href"] == f"#{other}"
        assert frames[f"early-{early}"][1]["style"] == frames[f"late-{late}"][1]["style"]
    assert frames["early-1"][1]["style"] != frames["early-0"][1]["style"]
    for place in ("early-2", "early-3", "late-8", "late-10"):
        assert frames[place][0] == "span" and f"<q>{place.split('-')[1]}</q>" in frames[place][1]["title"]
    assert {"pair-0", "pair-1"} <= set(frames)
    assert ["0", f"{HOSTILE[1]}, 1881", "Painting 1, 1889", "0.250"] in page.rows
    assert ["1", f"{HOSTILE[0]}, 1880", "Painting 3, 1890", "1.25"] in page.rows
    assert "4 paintings without a partner" in page.text


def test_years_on_the_way_are_between_those_of_the_two_paintings(workdir):
    text = " ".join(read(write_report(workdir)).texts)
    # Pair 0 goes from 1881.25 to 1889: at t = 0.25, 0.5 and 0.75 that is 1883.19, 1885.13 and 1887.06.
    steps = re.findall(r"(\d{4}) (painted|t = [\d.]+)", text)
    assert steps[:2] == [("1881", "painted"), ("1889", "painted")]  # on the first screen
    assert steps[2:9] == [
        ("1881", "painted"),
        ("1881", "t = 0"),
        ("1883", "t = 0.25"),
        ("1885", "t = 0.5"),
        ("1887", "t = 0.75"),
        ("1889", "t = 1"),
        ("1889", "painted"),
    ]


def test_figures_are_those_of_the_evaluation_rounded_to_three_digits(workdir):
    rows = read(write_report(workdir)).rows
    # Sizes of the sets, what was measured with its interval, and the floor.
    chance = [row[1:] for row in rows if row[0] == "Random samples, and the paintings it learned from" and len(row) == 4]
    by_name = dict(zip(DISTANCES, chance, strict=True))
    assert by_name["kid"] == ["9 and 1,234", "0.0123 −0.488 to 0.512", "3.50 ± 0.0317"]
    assert by_name["swd"] == ["9 and 1,234", "0.123 ± 0.250", "3.50 ± 0.0317"]
    assert by_name["frechet"] == ["9 and 1,234", "1.23", "<b>too few</b> paintings"]
    middle = [row[2:] for row in rows if row[0] == "The middle of the morphs, and paintings of the years between"]
    assert middle[0] == ["3.00 2.50 to 3.50", "1.50 ± 0.0317"]
    ceilings = [row[2] for row in rows if row[0].startswith("Ceiling") and len(row) == 4]
    assert ceilings[:3] == ["9.88 9.38 to 10.4", "98.8 ± 0.250", "988"]
    assert ["Random samples", "200", "0.314 ± 0.0272"] in rows
    assert ["", "16 px"] in rows and ["Floor: two halves of those paintings", "2.38"] in rows
    # Every step: t, the mean year on the way from (1880.5 + 1881.25) / 2 to (1889 + 1890.875) / 2, KID, SWD, likeness.
    assert ["0.500", "1885", "2.00", "3.00", "4.00", "20.0", "30.0", "40.0"] in [row[:8] for row in rows if row[-1] == "0.123"]


def test_verdicts_from_before_they_said_what_could_be_shown_are_read(workdir):
    path = workdir / "evaluation.json"
    found = json.loads(path.read_text())
    for one in found["verdicts"]:
        del one["could_not_be_shown"]
    path.write_text(json.dumps(found))
    assert ["the late paintings", "no difference that could be shown", "0.125 −0.375 to 0.625", "25%"] in read(write_report(workdir)).rows


def without(value: object, name: str) -> object:
    """Returns JSON without the fields of that name, wherever they stand."""
    if isinstance(value, list):
        return [without(each, name) for each in value]
    return {key: without(each, name) for key, each in value.items() if key != name} if isinstance(value, dict) else value


@pytest.mark.parametrize("name", [name for name in DISTANCES if name not in ("kid", "swd")])
def test_an_evaluation_from_before_a_distance_is_shown_without_it(workdir, tmp_path, name):
    assert DISTANCES[name].title in read(write_report(workdir)).text
    path = workdir / "evaluation.json"
    path.write_text(json.dumps(without(json.loads(path.read_text()), name)))
    page = read(write_report(workdir))
    assert DISTANCES["kid"].title in page.text and DISTANCES[name].title not in page.text
    assert ["<b>colour", "Floor", "0.500 ± 0.0317"] in [row[:3] for row in page.rows]
    shutil.copytree(workdir, tmp_path / "other")
    assert f"the same, {DISTANCES[name].label}" not in [row[0] for row in read(write_comparison([workdir, tmp_path / "other"])).rows]


@pytest.mark.parametrize("name", PROPERTIES)
def test_what_a_set_is_like_is_shown_and_an_evaluation_from_before_that_does_without_it(workdir, tmp_path, name):
    def rows_of_both() -> list[list[str]]:
        shutil.copytree(workdir, tmp_path / "other", dirs_exist_ok=True)
        return read(write_comparison([workdir, tmp_path / "other"])).rows

    one = PROPERTIES[name]
    assert one.title in read(write_report(workdir)).text
    both = rows_of_both()
    assert [one.compared, "0.314", "0.314"] in both and [f"{one.label} of the real paintings", "0.250", "0.250"] in both
    path = workdir / "evaluation.json"
    path.write_text(json.dumps(without(json.loads(path.read_text()), name)))
    assert one.title not in read(write_report(workdir)).text and one.compared not in [row[0] for row in rows_of_both()]


def test_what_was_judged_is_there_in_words_and_numbers(workdir):
    page = read(write_report(workdir))
    assert "It is <so>." in page.texts
    # The answer stands first, before any figure, beside a picture.
    order = [page.text.index(text) for text in ("Is it <so>?", "Yes, <so>.", "One in forty.", "Beside <four>.", "It is <so>.")]
    assert order == sorted(order)
    alts = [attributes["alt"] for tag, attributes in page.elements if tag == "img"]
    assert alts[0] == "A painting of 1881, what the network paints for about 1885, and a painting of 1889"
    assert alts[1] == "Three real paintings of 1884–1885"
    assert ["cross-fade", "nearer", "−1.25 −1.75 to −0.750", "88%"] in page.rows
    assert ["the late paintings", "could not have been shown at this size", "0.125 −0.375 to 0.625", "25%"] in page.rows
    assert ["the early paintings", "–", "too few", "–"] in page.rows
    assert ["this study", "0.812 0.500 to 0.969", "yes", "undecided, 38%"] in page.rows
    assert ["cross-fade", "0.812 0.500 to 0.969", "yes", "not said: no <paintings>"] in page.rows
    assert ["Frames of", "Error", "curl size (0.938)"] in page.rows and ["this study", "0.125 0.100 to 0.200", "0.375"] in page.rows
    assert ["The middle of the morphs, among paintings of the years between", "0.625", "0.500", "0.750", "0.875"] in page.rows
    measured = ["<b>colour", "Random samples, and the paintings it learned from", "7.50 7.00 to 8.00", "750"]
    assert measured in [row[:4] for row in page.rows]
    assert "Without inception: no <net>" in page.text
    # Near copies come first, of those the nearest to a training painting: number 2.
    assert re.search(r"1882\s*a near copy, distance 0.300", page.text)
    ahead = [attributes["alt"] for tag, attributes in page.elements if tag == "img" and "looks like" in attributes["alt"]]
    assert ahead[0] == "Painting 3, 1890, looks like 1896" and len(ahead) == 12


def test_paintings_have_their_dates_as_written_and_where_they_come_from(workdir):
    page = read(write_report(workdir))
    assert ["Painting", "Date as read", "Date as written", "Source", "Rights"] in page.rows  # of accession numbers none is written
    assert ["Painting 1", "1889", "c. 1889", "<b>9</b>", "CC0"] in page.rows
    assert "All paintings, with their dates as written, source, rights" in page.texts


def test_photographs_and_files_are_counted(tmp_path):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (10, 16, 16, 3), np.uint8)
    images[0] = images[0, :, :, :1]  # black and white
    images[1] = 128 + (images[1] // 32)  # hardly any detail, and its colours are near each other
    images[2] = images[2].mean(axis=(0, 1), keepdims=True).astype(np.uint8) * np.array(
        [1, 0, 0], np.uint8
    )  # one colour, without any detail
    paintings = tuple(Painting(f"{n}", f"{n}", 1880.0, 0.0, "early", 15 if n > 7 else 40, 40) for n in range(10))
    Collection(paintings, images, ()).save(tmp_path / "collection")
    assert sources.limits(Collection.load(tmp_path / "collection")) == {"paintings": 10, "enlarged": 2, "colourless": 2, "unsharp": 2}
    text = " ".join(read(write_report(tmp_path)).texts)
    assert "2 of 10 (20%) are without colour; 2 (20%) are much less sharp than most. 2 files (20%) are smaller than 16 px" in text


def test_players_know_the_frames_and_the_paintings_they_resemble(workdir):
    page = read(write_report(workdir))
    players = [attributes for _, attributes in page.elements if attributes.get("class") == "player"]
    assert len(players) == 2 and all("hidden" in player for player in players)
    frames = json.loads(players[0]["data-frames"])
    assert [frame["t"] for frame in frames] == ["0", "0.25", "0.5", "0.75", "1"]
    assert frames[2] == {"t": "0.5", "year": "1885.1", "said": "looks like 1885.5", "resembles": 6}
    markup = write_report(workdir).read_text(encoding="utf-8")
    paintings = json.loads(re.search(r'id="player-paintings">(.*?)</script>', markup, re.S)[1])
    assert set(paintings) == {"4", "5", "6", "7", "8"} and paintings["4"]["title"] == f"{HOSTILE[4]}, 1884"
    assert paintings["6"]["title"] == f"{HOSTILE[6]}, 1885" and "</style>" not in markup.split("player-paintings")[1]


def test_a_comparison_sets_studies_side_by_side(workdir, tmp_path):
    shutil.copytree(workdir, tmp_path / "other")
    (tmp_path / "other" / "evaluation.json").unlink()
    path = write_comparison([workdir, tmp_path / "other"])
    assert path == workdir / "comparison.html"
    page = read(path)
    assert page.rows[0] == ["", "<i>study", "other"]
    rows = {row[0]: row[1:] for row in page.rows}
    assert rows["Random samples to the paintings they learned from, KID"] == ["0.0123−0.488 to 0.512", "–"]
    assert rows["Beside cross-fade"] == ["nearer: −1.25−1.75 to −0.750", "–"]
    assert rows["Paintings"] == ["12, 1880–1890, at 16 px"] * 2
    assert all(attributes["src"].startswith("data:") for _, attributes in page.having("src"))
    with pytest.raises(UserError, match="two studies or more"):
        write_comparison([workdir])
    with pytest.raises(UserError, match="not the workdir of a study"):
        write_comparison([workdir, tmp_path / "nothing"])


def test_an_evaluation_of_another_make_is_one_line(workdir):
    old = reading.read_json(workdir / "evaluation.json")
    del old["verdicts"]
    files.write_json(workdir / "evaluation.json", old)
    with pytest.raises(UserError, match="not as `evaluate` writes it .*run `evaluate` again"):
        write_report(workdir)


def test_a_figure_that_is_no_number_is_one_line(workdir):
    found = reading.read_json(workdir / "evaluation.json")
    found["truth"]["competitors"][0]["by_parameter"]["curl_size"] = {"a": 1}
    files.write_json(workdir / "evaluation.json", found)
    with pytest.raises(UserError, match="evaluation.json: not as `evaluate` writes it .*run `evaluate` again"):
        write_report(workdir)


@pytest.mark.parametrize(
    "value, text",
    [
        (0, "0"),
        (1, "1.00"),
        (-0.0142, "−0.0142"),
        (0.09996, "0.100"),
        (33.57, "33.6"),
        (999.6, "1,000"),
        (-12345.6, "−12,346"),
        (None, "–"),
    ],
)
def test_numbers_have_three_digits(value, text):
    assert figures.number_text(value) == text


def test_a_workdir_with_only_the_collection_says_what_makes_the_rest(workdir, tmp_path):
    bare = tmp_path / "bare"
    (bare / "collection").mkdir(parents=True)
    for name in ("paintings.csv", "images.npy", "skipped.csv"):
        (bare / "collection" / name).write_bytes((workdir / "collection" / name).read_bytes())
    page = read(write_report(bare))
    for verb in ("train", "invert", "morph", "evaluate"):
        assert f"python -m gan_jax {verb}" in page.texts
    full = read(write_report(workdir))
    assert not [text for text in full.texts if text.startswith("python -m gan_jax")]
    # Its links lead somewhere too.
    places = {attributes["id"] for _, attributes in page.having("id")}
    assert {attributes["href"][1:] for tag, attributes in page.having("href") if tag == "a"} <= places


def test_the_page_is_the_same_every_time(workdir):
    first = write_report(workdir).read_bytes()
    assert write_report(workdir).read_bytes() == first
    assert [path.name for path in workdir.iterdir() if path.name.startswith(".")] == []


def test_paintings_are_shown_under_the_periods_that_they_are_named_for(workdir):
    table = workdir / "evaluation" / "works.csv"
    named = {4: "<b>antwerp", 5: "<b>antwerp", 6: "paris", 7: "paris"}
    rows = [row | {"named": named.get(k, "")} for k, row in enumerate(reading.read_csv(table))]
    files.write_csv(table, rows[0], rows)
    evaluation = reading.read_json(workdir / "evaluation.json")
    evaluation["style"][0]["periods"]["paris"] = {"value": 355.5, "low": 350.0, "high": 360.0}
    files.write_json(workdir / "evaluation.json", evaluation)
    shown = paintings.Paintings.of(results.Results.load(workdir))
    assert shown.periods == ["early", "<b>antwerp", "paris", "late"]
    assert len({*map(shown.colour, shown.periods), plots.GREY, plots.PERIOD_COLOURS["between"]}) == 6
    page = read(write_report(workdir))
    assert page.text.count("paris") >= 3 and "between (among them <b>antwerp, paris) are kept from it" in " ".join(page.text.split())
    assert "356" in page.text
    # The held-out paintings are still those between, whatever they are called.
    assert [painting.period for painting in shown.collection.paintings[4:8]] == ["between"] * 4


@pytest.mark.parametrize("place", [1, 359, 361, -1])
def test_the_mean_of_an_angle_is_drawn_where_its_curve_is(place, monkeypatch):
    """A curve that goes on past 360, and a mean on either side of the jump."""
    drawn = []
    monkeypatch.setattr(plots, "_svg", lambda figure: drawn.extend(figure.axes[0].lines))
    years, value = np.array([1880.0, 1885.0, 1890.0]), np.array([350.0, 359.0, 10.0])
    plots.quantity_over_years(years, value, value - 1, value + 1, [("#123456", 1884.0, 1886.0, place % 360, 0.0, 1.0)], "degrees", 360.0)
    curve, mean = drawn
    np.testing.assert_allclose(curve.get_ydata(), [350, 359, 370])
    assert abs(mean.get_ydata()[0] - 359) < 3 and list(mean.get_xdata()) == [1884, 1886]


def test_paintings_outside_the_periods_are_shown_and_no_control_characters(tmp_path):
    paintings = tuple(Painting(f"{n}", f"\x00\x1b{n}", 1850.0, 0.0, "", 1, 1) for n in range(2))
    Collection(paintings, np.zeros((2, 4, 4, 3), np.uint8), ()).save(tmp_path / "collection")
    page = read(write_report(tmp_path))
    assert "outside the periods" in page.text and "2 paintings" in page.text
    assert not re.search(r"[\x00-\x08\x0b-\x1f]", page.text.replace("\n", "").replace("\t", ""))


def test_results_that_do_not_fit_together_are_named(workdir):
    table = workdir / "morphs" / "pairs.csv"
    good = table.read_text()
    for wrong, message in (
        (good.replace(",9,", ",99,"), r"pairs\.csv: row 1: late_index is 99, the collection has 12 paintings"),
        (good.replace("0.2500", "near"), r"pairs\.csv: row 1: distance is 'near', it should be a number"),
        (good.replace("late_year", "year"), r"pairs\.csv: row 1 has no column 'late_year'"),
        ("\n".join(good.splitlines()[:2]), r"years\.npy: holds float64 \[2, 5\], the shape \[1, 5\] is needed"),
    ):
        table.write_text(wrong)
        with pytest.raises(UserError, match=message):
            write_report(workdir)
    table.write_text(good)
    files.write_json(workdir / "evaluation.json", {"comparisons": []})
    with pytest.raises(UserError, match=r"evaluation\.json: not as `evaluate` writes it"):
        write_report(workdir)
    (workdir / "collection" / "paintings.csv").unlink()
    with pytest.raises(UserError, match=r"paintings\.csv: there is no such file"):
        write_report(workdir)


def test_damaged_lines_of_the_log_are_passed_over(workdir):
    log = results.read_log(workdir / "log" / "metrics.jsonl")
    np.testing.assert_array_equal(log["images"], 1000.0 * np.arange(10))
    np.testing.assert_array_equal(log["loss/discriminator"], -1.0 * np.arange(10))
    training = networks.training_section(results.read_log(workdir / "log" / "metrics.jsonl"))
    assert [(stage["resolution"], stage["first"], stage["last"]) for stage in training["stages"]] == [(4, 0, 4000), (8, 5000, 9000)]


def test_what_was_measured_of_checkpoints_is_a_table_with_the_best_marked(workdir):
    log = workdir / "log" / "metrics.jsonl"
    measured = [{"images": 1000 * n, "watch/kid_training": (n - 31) ** 2 + 1.5, "watch/copies": n / 100} for n in range(0, 60, 2)]
    log.write_text(log.read_text() + "\n" + "\n".join(map(json.dumps, measured)))
    assert results.read_log(log)["loss/discriminator"][4] == -4  # lines of one count are one row
    rows = networks.training_section(results.read_log(workdir / "log" / "metrics.jsonl"))["watched"]
    assert len(rows) <= networks.MOST_WATCHED + 1 and [row["images"] for row in rows] == sorted(row["images"] for row in rows)
    assert [(row["images"], row["kid_training"]) for row in rows if row["best"]] == [(30_000, 2.5)]
    assert all(row["kid_held_out"] is None for row in rows)
    page = write_report(workdir).read_text()
    assert page.count("it made everything on this page") == 1
    # Half-way between paintings counts as much.
    measured = [one | {"watch/kid_ways": 2.0 * (one["images"] / 1000 - 41) ** 2} for one in measured]
    log.write_text(log.read_text() + "\n" + "\n".join(map(json.dumps, measured)))
    (best,) = [row for row in networks.training_section(results.read_log(workdir / "log" / "metrics.jsonl"))["watched"] if row["best"]]
    assert (best["images"], best["kid_ways"]) == (38_000, 18.0)  # the least of (n - 31)^2 + 2 (n - 41)^2 in steps of two


def test_every_loss_and_score_that_a_training_logs_has_a_name():
    logged = set(re.findall(r'metrics\["((?:loss|score)/\w+)"\]|"((?:loss|score)/\w+)":', inspect.getsource(players)))
    assert {one or other for one, other in logged} == set(networks.CURVES)


def test_thinned_curves_keep_their_level():
    places = np.arange(10_000.0)
    values = np.where(places % 2, 3.0, 1.0) + np.where(places >= 5000, 10.0, 0.0)
    values[7] = np.nan
    place, middle, low, high = plots._thin(places, values)
    assert len(place) == plots.MOST_POINTS
    assert np.all(np.diff(place) > 0)
    early = place < 4900
    assert np.all(low[early] == 1) and np.all(high[early] == 3) and np.all((middle[early] >= 1) & (middle[early] <= 3))
    assert np.all(low[place > 5100] == 11)


def test_errors_of_unrelated_paintings_are_on_the_scale_of_the_inversion():
    # Black is -1 and white 1: they differ by 2. Halves that are the same differ by 0.
    images = np.zeros((8, 4, 4, 3), np.uint8)
    images[4:] = 255
    assert networks.unrelated_error(images) == pytest.approx(2)
    assert networks.unrelated_error(images[:4]) == 0
    assert networks.unrelated_error(images[:1]) is None


def test_small_pictures_keep_their_pixels_and_large_ones_are_small():
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (32, 32, 3), np.uint8)
    shown = np.asarray(decoded(data_uris.thumbnail(small, 72)))
    np.testing.assert_array_equal(shown, small.repeat(2, 0).repeat(2, 1))
    assert decoded(data_uris.thumbnail(rng.integers(0, 256, (256, 256, 3), np.uint8), 72)).size == (72, 72)


def test_a_strip_has_columns_of_one_width_in_order():
    colours = [(200, 0, 0), (0, 200, 0), (0, 0, 200)]
    images = [np.full((16, 16, 3), colour, np.uint8) for colour in colours]
    strip = np.asarray(decoded(data_uris.row(images, 96, (1, 2, 3))))
    width = strip.shape[1] // 3
    assert strip.shape[1] == 3 * width
    for column, colour in enumerate(colours):
        assert tuple(strip[strip.shape[0] // 2, column * width + width // 2]) == colour
    assert tuple(strip[0, 0]) == tuple(strip[-1, -1]) == (1, 2, 3)
    assert tuple(strip[0, width + 1]) == (255, 255, 255)


def test_a_film_too_large_for_the_page_is_made_again_from_the_frames(workdir, monkeypatch):
    monkeypatch.setattr(morphs, "SET_BYTES", 10)
    page = read(write_report(workdir))
    films = [attributes["src"] for tag, attributes in page.having("src") if attributes["src"].startswith("data:image/webp")]
    assert len(films) == 2  # the set, and pair 0, which has no GIF
    assert [decoded(film).n_frames for film in films] == [2 * FRAMES - 2] * 2


def test_spread_has_both_ends():
    assert paintings.spread(0, 5) == []
    assert paintings.spread(3, 5) == [0, 1, 2]
    assert paintings.spread(101, 5) == [0, 25, 50, 75, 100]


def test_colours_of_neighbouring_pairs_differ():
    colours = [morphs.css_colour(number) for number in range(200)]
    assert len(set(colours)) > 190
    assert all(one != other for one, other in zip(colours, colours[1:]))


def decoded(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.split(",", 1)[1])))
