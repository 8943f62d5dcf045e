"""The stages of a study: each reads what the ones before it wrote into the workdir, and writes its own part when it is complete."""

import pathlib
from collections.abc import Mapping
from concurrent.futures import as_completed
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from gan_jax import files, keys, pictures
from gan_jax.benchmark import benchmark as measure
from gan_jax.collection import collection as collections
from gan_jax.collection.collection import Collection
from gan_jax.errors import UserError
from gan_jax.evaluation.evaluate import evaluate as judge
from gan_jax.generators import open_generator
from gan_jax.latents.inversion import invert as search
from gan_jax.models.generator import Generator
from gan_jax.models.networks import LABELS
from gan_jax.morphing import animation, pairing
from gan_jax.morphing.morph import morph as travel
from gan_jax.progress import Progress, follow
from gan_jax.report.page import write_report
from gan_jax.training import loop

PERIODS = LABELS  # what is trained on and inverted; "between" is held out
SHEET_ROWS = 48  # pairs on the contact sheet
SHEET_FRAMES = 9
MOVING_PAIRS = 64  # pairs in the film of the set
MOVING_WIDTH = 1024  # pixels
PREVIEW = 8  # paintings in each part of the side-by-side sheet


def prepare(config: ConfigDict, workdir: pathlib.Path, about: Mapping[str, Any]) -> str:
    """collection/: the paintings with their dates and images."""
    collection = collections.prepare(config.collection)
    collections.save(collection, workdir / "collection")
    return collections.summary(collection)


def train(config: ConfigDict, workdir: pathlib.Path, about: Mapping[str, Any]) -> str:
    """checkpoints/, samples/, log/: the networks, trained on the early and the late works."""
    collection = collections.load(workdir / "collection")
    indices = trained_on(collection)
    of_period = np.array([PERIODS.index(collection.paintings[i].period) for i in indices])
    labels = np.eye(len(PERIODS), dtype=np.float32)[of_period][:, : None if config.model.conditional else 0]
    seen = loop.train(config, collection.images[indices], labels, workdir, about)
    return f"trained on {seen / 1000:,.0f} thousand images; samples in {workdir / 'samples'}"


def sample(config: ConfigDict, workdir: pathlib.Path, about: Mapping[str, Any]) -> str:
    """samples/generated.npy and samples/final.png: images of random latents."""
    generator = generator_of(config, workdir)
    latents = generator.draw(keys.key(config.seed + 1), config.sampling.images, label_of(config.sampling.period, generator))
    with Progress("sample", len(latents)) as progress:
        images = generator.images(latents, count=progress.advance)
    files.write_array(workdir / "samples" / "generated.npy", images)
    pictures.write_png(workdir / "samples" / "final.png", pictures.grid(pictures.enlarged(images[:64], 64)))
    return f"{len(images)} images; {workdir / 'samples' / 'final.png'}"


def invert(config: ConfigDict, workdir: pathlib.Path, about: Mapping[str, Any]) -> str:
    """inversion/: the latents of the early and the late works, with what the generator makes of them."""
    collection, generator = collections.load(workdir / "collection"), generator_of(config, workdir)
    check_resolution(generator, collection, config)
    indices = trained_on(collection)
    found = search(generator, collection.images[indices], seed=config.seed + 2, **config.inversion)
    with files.atomic_folder(workdir / "inversion") as folder:
        files.write_array(folder / "latents.npy", found.latents)
        files.write_array(folder / "reconstructions.npy", found.reconstructions)
        rows = []
        for row, index in enumerate(indices.tolist()):
            rows.append(
                {
                    **describe(collection, index),
                    "error": f"{found.error[row]:.4f}",
                    "correlation": f"{found.correlation[row]:.4f}",
                    "disagreement": f"{found.disagreement[row]:.4f}",
                }
            )
        files.write_csv(folder / "inversion.csv", rows[0], rows)
        pictures.write_png(folder / "side_by_side.png", side_by_side(collection.images[indices], found.reconstructions, found.error))
    return f"{len(indices)} paintings, median error {np.median(found.error):.3f}; {workdir / 'inversion' / 'side_by_side.png'}"


def morph(config: ConfigDict, workdir: pathlib.Path, about: Mapping[str, Any]) -> str:
    """morphs/: pairs of early and late works, and the way from the one to the other."""
    collection, generator, settings = collections.load(workdir / "collection"), generator_of(config, workdir), config.morphing
    latents = files.read_array(workdir / "inversion" / "latents.npy")
    row_of = {int(row["index"]): i for i, row in enumerate(files.read_csv(workdir / "inversion" / "inversion.csv"))}
    early, late = (collection.period(period) for period in PERIODS)
    distance = pairing.distances(collection.images[early], collection.images[late], settings.colour)
    pairs, early_alone, late_alone = pairing.assign(distance, settings.max_distance)
    if not pairs:
        raise UserError(f"config.morphing.max_distance={settings.max_distance}: no two works are that near; 1.0 allows every pair")
    ends = [(int(early[pair.early]), int(late[pair.late])) for pair in pairs]
    years = [np.array([collection.paintings[pair[end]].year for pair in ends]) for end in (0, 1)]
    a, b = (latents[[row_of[pair[end]] for pair in ends]] for end in (0, 1))
    made = travel(generator, a, b, *years, frames=settings.frames, path=settings.path)

    with files.atomic_folder(workdir / "morphs") as folder:
        rows = []
        for i, (pair, (first, last)) in enumerate(zip(pairs, ends)):
            both = {f"early_{k}": v for k, v in describe(collection, first).items()} | {
                f"late_{k}": v for k, v in describe(collection, last).items()
            }
            rows.append({"pair": i, **both, "distance": f"{pair.distance:.4f}"})
        files.write_csv(folder / "pairs.csv", rows[0], rows)
        alone = [(int(early[x.work]), x.reason) for x in early_alone] + [(int(late[x.work]), x.reason) for x in late_alone]
        fields = ["index", "file", "title", "year", "period", "reason"]
        files.write_csv(folder / "unmatched.csv", fields, [{**describe(collection, i), "reason": reason} for i, reason in alone])
        files.write_array(folder / "t.npy", made.t)
        files.write_array(folder / "years.npy", made.years)
        files.write_array(folder / "frames.npy", made.frames)

        rate = settings.frames / settings.seconds
        with animation.workshop() as pool:
            films = [
                pool.submit(animation.write_films, folder / "set", animation.moving_grid(made.frames, MOVING_PAIRS, MOVING_WIDTH), rate)
            ]
            for i, frames in enumerate(made.frames):
                films.append(pool.submit(animation.write_pair, folder, f"pair_{i:03d}", frames, made.t, settings.size, rate))
            for film in follow("animate", as_completed(films), len(films)):
                film.result()
        pictures.write_png(folder / "contact_sheet.png", contact_sheet(collection.images, ends, made.frames))
    return f"{len(pairs)} pairs, {len(alone)} works without a counterpart; {workdir / 'morphs' / 'set.gif'}"


def evaluate(config: ConfigDict, workdir: pathlib.Path, about: Mapping[str, Any]) -> str:
    """evaluation.json: how near generated images and frames are to real works."""
    collection = collections.load(workdir / "collection")
    figures = judge(
        {period: collection.images[collection.period(period)] for period in ("early", "between", "late")},
        files.read_array(workdir / "samples" / "generated.npy"),
        files.read_array(workdir / "morphs" / "frames.npy"),
        files.read_array(workdir / "morphs" / "t.npy"),
        seed=config.seed,
        **config.evaluation,
    )
    files.write_json(workdir / "evaluation.json", figures)
    return str(workdir / "evaluation.json")


def report(config: ConfigDict, workdir: pathlib.Path, about: Mapping[str, Any]) -> str:
    """report.html: one page to read."""
    return str(write_report(workdir))


def generator_of(config: ConfigDict, workdir: pathlib.Path) -> Generator:
    """What paints in this study."""
    return open_generator(config.generator or workdir, config.training.precision)


def label_of(period: str, generator: Generator) -> int | None:
    """The label of a period, None for all of them."""
    if not period:
        return None
    if period not in PERIODS:
        raise UserError(f"config.sampling.period={period!r}: there is {' and '.join(PERIODS)}")
    if generator.label_size != len(PERIODS):
        raise UserError(f"config.sampling.period={period!r}: {generator.name} was trained without labels (config.model.conditional)")
    return PERIODS.index(period)


def benchmark(config: ConfigDict, workdir: pathlib.Path, source: str) -> None:
    """benchmark.json: how fast this machine is. For "real" input: of the collection in the workdir, or else of the config."""
    images = None
    if source == "real":
        there = (workdir / "collection" / "paintings.csv").exists()
        collection = collections.load(workdir / "collection") if there else collections.prepare(config.collection)
        images = collection.images[trained_on(collection)]
    measure(config, workdir, source, images)
    print(f"\n{workdir / 'benchmark.json'}")


def trained_on(collection: Collection) -> np.ndarray:
    """Indices of the works of both periods, in order of date."""
    return np.sort(np.concatenate([collection.period(period) for period in PERIODS]))


def check_resolution(generator: Generator, collection: Collection, config: ConfigDict) -> None:
    size = collection.images.shape[1]
    if generator.resolution != size:
        paints = f"{generator.name}: paints {generator.resolution} px, the paintings are {size} px"
        advice = f"prepare them with --config.collection.resolution={generator.resolution}" if config.generator else "let `train` end first"
        raise UserError(f"{paints}; {advice}")


def describe(collection: Collection, index: int) -> dict[str, Any]:
    painting = collection.paintings[index]
    return {"index": index, "file": painting.file, "title": painting.title, "year": f"{painting.year:.3f}", "period": painting.period}


def side_by_side(paintings: np.ndarray, reconstructions: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Originals above their reconstructions: the best, those around the median, the worst."""
    order = np.argsort(error, kind="stable")
    n = min(PREVIEW, len(order))
    middle = (len(order) - n) // 2
    rows = [row for part in (order[:n], order[middle : middle + n], order[-n:]) for row in (paintings[part], reconstructions[part])]
    return pictures.grid(pictures.enlarged(np.concatenate(rows), 96), n)


def contact_sheet(images: np.ndarray, ends: list[tuple[int, int]], frames: np.ndarray) -> np.ndarray:
    """A row a pair: the real early work, frames, the real late work."""
    ends = ends[:SHEET_ROWS]
    shown = np.linspace(0, frames.shape[1] - 1, min(SHEET_FRAMES, frames.shape[1])).round().astype(int)
    rows = [np.concatenate([images[[first]], frames[i, shown], images[[last]]]) for i, (first, last) in enumerate(ends)]
    return pictures.grid(pictures.enlarged(np.concatenate(rows), 64), len(shown) + 2)
