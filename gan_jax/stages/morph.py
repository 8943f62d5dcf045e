import contextlib
import dataclasses
import pathlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future, as_completed
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from gan_jax import files, pictures
from gan_jax.collection.aspect import between, matted
from gan_jax.collection.paintings import Collection
from gan_jax.errors import UserError
from gan_jax.latents import paths, sampling
from gan_jax.latents.inversion import rms
from gan_jax.latents.inverted import Inversion
from gan_jax.latents.tuning import tuned
from gan_jax.models.generator import Generator
from gan_jax.morphing import films, pairing, scene
from gan_jax.morphing.morph import Morph, hold, times
from gan_jax.morphing.morph import morph as travel
from gan_jax.morphing.morph import paint as by_both
from gan_jax.morphing.morphs import Morphs
from gan_jax.progress import Progress, follow
from gan_jax.stages.common import PERIODS, collection_of, generator_of, numbers, tuning_settings

SHEET_ROWS = 48  # pairs on the contact sheet
SHEET_FRAMES = 9
STRIP_FRAMES = 7  # between the two paintings of a pair's strip
MOVING_PAIRS = 64  # pairs in the film of the set
MOVING_WIDTH = 1024  # pixels
SHIFTED = 16  # early paintings that the mean shift is shown on
PREVIEW = 8  # paintings in a row of the sheet of tuned reconstructions
FRAMES_A_STATION = 8  # of the film through the years, from one painting to the next

DIRECT_SEED = 10**6  # the first, far from those of samples

Ends = list[tuple[int, int]]  # indices of early and late paintings in the collection


def morph(config: ConfigDict, workdir: pathlib.Path, about: Mapping[str, Any]) -> str:
    """morphs/: pairs of early and late paintings, and the ways from the ones to the others."""
    collection, settings = collection_of(workdir), config.morphing
    inverted = Inversion.load(workdir / "inversion", len(collection.paintings))
    t = times(settings.frames, settings.easing)
    latent_of = dict(zip(inverted.indices, inverted.latents))
    ends, distances, unmatched = pair(collection, settings)
    works = np.array(sorted(latent_of))
    stations = works[pairing.chain(collection.images[works], collection.years[works], settings.stations)]

    years_at = dates_between(collection.years[stations])
    generator = generator_of(config, workdir)
    painted = paint(generator, collection, latent_of, ends, stations, years_at, t, config)
    made = painted.made
    direct = directly(generator, made.years, config.seed) if generator.years else None
    morphs = Morphs(ends, distances, unmatched, made.t, made.years, made.frames, direct)

    with files.atomic_folder(workdir / "morphs") as folder:
        morphs.save(folder, collection.describe)
        write_tuning(folder, collection, ends, painted, config.collection.fit)
        # From here on images are for people.
        made = in_shapes_of(made, collection, ends, config.collection.fit)
        collection = collection.in_own_shapes(config.collection.fit)
        early, late = (collection.period(period) for period in PERIODS)
        places = [(int(np.searchsorted(early, a)), int(np.searchsorted(late, b))) for a, b in ends]
        pictures.write_png(folder / "sets.png", scene.two_sets(collection.images[early], collection.images[late], places))
        pictures.write_png(folder / "contact_sheet.png", contact_sheet(collection.images, ends, made.frames))
        with films.workshop() as pool:
            jobs = film_pairs(pool, folder, collection, ends, made, settings)
            jobs += film_years(pool, folder, collection, stations, years_at, painted.years, config)
            jobs += film_shift(pool, folder, collection, shifted(ends), painted.shift, t, config)
            for film in follow("animate", as_completed(jobs), len(jobs)):
                film.result()
    return f"{len(ends)} pairs, {len(unmatched)} paintings without a counterpart; {workdir / 'morphs' / 'set.gif'}"


@dataclasses.dataclass(frozen=True)
class Painted:
    """Everything that the generators painted, as uint8 [..., r, r, 3]."""

    made: Morph
    before: np.ndarray  # [2 * pairs]: both ends of each pair, by the generator as it was trained
    after: np.ndarray  # [2 * pairs]: and tuned to them
    shift: np.ndarray  # [works, T]: of `shifted`
    years: np.ndarray  # [dates]: on the way through the years


def paint(
    generator: Generator,
    collection: Collection,
    latent_of: Mapping[int, np.ndarray],
    ends: Ends,
    stations: np.ndarray,
    dates: np.ndarray,
    t: np.ndarray,
    config: ConfigDict,
) -> Painted:
    """Paints the morphs of a few pairs at a time, by a generator tuned to their ends; the way through the years by one tuned to its
    stations; and moves some early paintings with the generator of their pair."""

    def latents(works: Sequence[int]) -> np.ndarray:
        return np.stack([latent_of[index] for index in works])

    years = collection.years
    parts = [ends[first : first + config.tuning.pairs] for first in range(0, len(ends), config.tuning.pairs)]
    groups = [[index for pair in part for index in pair] for part in parts] + [stations.tolist()] * (len(stations) > 1)
    tuning = tuning_settings(config)
    painters = tuned(generator, [(latents(works), collection.images[works]) for works in groups], tuning, config.seed + 3)
    # Latents that a search found lie outside of what was learnt: between those, the tuned generator is the better one.
    reach = config.tuning.reach if generator.works is not None else 0.0
    sets = [latents(collection.period(period).tolist()) for period in PERIODS]
    moving, size = shifted(ends), collection.images.shape[1:]
    made, after, shift = [], [], {}
    # While they are tuned, that is what takes the time and has a line of its own.
    with contextlib.nullcontext() if tuning.steps else Progress("morph", len(ends)) as progress:
        for part, works, painter in zip(parts, groups, painters):
            made.append(journeys(generator, latent_of, part, years, t, config.morphing.path, painter, reach))
            after.append(painter.images(latents(works)))
            for index in {first for first, _ in part} & set(moving) - set(shift):
                path = paths.mean_shift(latents([index]), *sets, t, generator.label_size)[0]
                shift[index] = by_both(generator, painter, path, hold(t / 2, reach))
            if progress:
                progress.advance(len(part))
        through = np.zeros((0, *size), np.uint8)
        if len(stations) > 1:
            way = paths.spline(latents(stations.tolist()), years[stations], dates, generator.label_size).astype(np.float32)
            near = hold(np.arange(len(dates)) % FRAMES_A_STATION / FRAMES_A_STATION, reach)  # each station is an end
            through = by_both(generator, next(painters), way, near)
    return Painted(
        Morph(t, np.concatenate([one.years for one in made]), np.concatenate([one.frames for one in made])),
        generator.images(latents([index for pair in ends for index in pair])),
        np.concatenate(after),
        np.stack([shift[index] for index in moving]),
        through,
    )


def directly(generator: Generator, years: np.ndarray, seed: int) -> np.ndarray:
    """Returns uint8 [pairs, T, r, r, 3]: for each pair one sample, which goes through the years [pairs, T] of its frames."""
    latents = sampling.of_seeds(generator, DIRECT_SEED + seed * len(years) + np.arange(len(years)))[:, None, : -generator.label_size]
    latents = np.concatenate(
        [np.repeat(latents, years.shape[1], axis=1), generator.years.labels(years.ravel()).reshape(*years.shape, 1)], axis=2
    )
    return generator.images(latents.reshape(-1, latents.shape[-1])).reshape(*years.shape, *[generator.resolution] * 2, 3)


def shifted(ends: Ends) -> list[int]:
    """Early paintings that the mean shift is shown on."""
    return list(dict.fromkeys(first for first, _ in ends))[:SHIFTED]


def dates_between(dates: np.ndarray) -> np.ndarray:
    """Dates on a way by way of those of some paintings."""
    if len(dates) < 2:
        return np.zeros(0)
    return np.interp(np.arange((len(dates) - 1) * FRAMES_A_STATION + 1) / FRAMES_A_STATION, np.arange(len(dates)), dates)


def pair(collection: Collection, settings: ConfigDict) -> tuple[Ends, list[float], list[tuple[int, str]]]:
    """Returns pairs of paintings with their distances, nearest first, and paintings without one, with the reason."""
    early, late = (collection.period(period) for period in PERIODS)
    columns = [[collection.paintings[i].columns for i in works] for works in (early, late)]
    subjects = pairing.disagreement(*columns, settings.columns.split(","))
    distance = pairing.distances(collection.images[early], collection.images[late], settings.colour, subjects, settings.subject)
    pairs, early_alone, late_alone = pairing.assign(distance, settings.max_distance, settings.assignment)
    if not pairs:
        raise UserError(f"config.morphing.max_distance={settings.max_distance}: no two paintings are that near; 1.0 allows every pair")
    alone = [(int(early[x.work]), x.reason) for x in early_alone] + [(int(late[x.work]), x.reason) for x in late_alone]
    return [(int(early[pair.early]), int(late[pair.late])) for pair in pairs], [pair.distance for pair in pairs], alone


def journeys(
    generator: Generator,
    latent_of: Mapping[int, np.ndarray],
    ends: Ends,
    years: np.ndarray,
    t: np.ndarray,
    path: str,
    tuned: Generator | None = None,
    reach: float = 0.0,
    count: Callable[[int], None] = lambda pairs: None,
) -> Morph:
    """Returns the morphs of pairs, by a generator and the one tuned to their ends; `count` is told of those that are done."""
    a, b = (np.stack([latent_of[pair[end]] for pair in ends]) for end in (0, 1))
    return travel(generator, a, b, *(years[[pair[end] for pair in ends]] for end in (0, 1)), t, path, count, tuned, reach)


def in_shapes_of(made: Morph, collection: Collection, ends: Ends, fit: str) -> Morph:
    """Returns the frames in shapes between those of the two paintings."""
    early, late = (collection.aspects[[pair[end] for pair in ends]] for end in (0, 1))
    return dataclasses.replace(made, frames=matted(made.frames, between(early, late, made.t), fit)[:])


def write_tuning(folder: pathlib.Path, collection: Collection, ends: Ends, painted: Painted, fit: str) -> None:
    """The paintings that morphs begin and end with, as the generator painted them before it was tuned to them, and after."""
    indices = [index for pair in ends for index in pair]
    paintings = collection.images[indices]
    errors = rms(painted.before, paintings), rms(painted.after, paintings)
    rows = [
        {"pair": i // 2, **collection.describe(index), "error_before": f"{first:.4f}", "error_after": f"{last:.4f}"}
        for i, (index, first, last) in enumerate(zip(indices, *errors))
    ]
    files.write_csv(folder / "tuning.csv", rows[0], rows)
    paintings, before, after = (matted(images, collection.aspects[indices], fit) for images in (paintings, painted.before, painted.after))
    order = np.argsort(errors[0], kind="stable")
    shown = [part for part in np.array_split(order, 3) if len(part)]
    n = min(PREVIEW, *(len(part) for part in shown))
    sheet = [row for part in shown for row in (paintings[part[:n]], before[part[:n]], after[part[:n]])]
    pictures.write_png(folder / "tuning.png", pictures.grid(pictures.enlarged(np.concatenate(sheet), 96), n))


def film_pairs(pool: Executor, folder: pathlib.Path, collection: Collection, ends: Ends, made: Morph, settings: ConfigDict) -> list[Future]:
    """Writes the strip and the single frames of each pair, films of the nearest ones, and a moving grid of the whole set."""
    rate = settings.frames / settings.seconds
    formats, playback = tuple(settings.formats), settings.playback
    grid = films.moving_grid(made.frames, MOVING_PAIRS, MOVING_WIDTH)
    jobs = [pool.submit(films.write_films, folder / "set", grid, rate, formats, playback)]
    return jobs + [film_pair(pool, folder, collection, ends, made, settings, i, i < settings.films) for i in range(len(ends))]


def film_pair(
    pool: Executor, folder: pathlib.Path, collection: Collection, ends: Ends, made: Morph, settings: ConfigDict, i: int, moving: bool
) -> Future:
    """Writes the strip and the single frames of pair `i`, and where it is `moving` the films."""
    works = [framed(collection, index, settings.compare) for index in ends[i]]
    shown = np.linspace(0, len(made.t) - 1, min(STRIP_FRAMES, len(made.t))).round().astype(int)
    strip = np.concatenate([works[0].image[None], made.frames[i, shown], works[1].image[None]])
    scenes = []
    if moving:
        titles = [f"from {works[0].title}" if t < 0.5 else f"to {works[1].title}" for t in made.t]
        beside = [of_year(collection, year, settings.compare) for year in made.years[i]]
        scenes = [scene.Frame(made.frames[i, k], titles[k], year, beside[k]) for k, year in enumerate(made.years[i])]
        scenes = scene.with_ends(scenes, *works) if settings.real_ends else scenes
    rate = settings.frames / settings.seconds
    of_films = {name: settings[name] for name in ("size", "captions", "formats", "playback")}
    return pool.submit(scene.write_pair, folder, f"pair_{i:03d}", made.frames[i], made.t, strip, scenes, rate, of_films)


def film(config: ConfigDict, workdir: pathlib.Path, chosen: str) -> str:
    """Films of pairs whose frames are there: of those that `chosen` names, numbers and spans of them with commas between, or of "all".

    Raises UserError for a pair that isn't there.
    """
    collection, folder = collection_of(workdir), workdir / "morphs"
    morphs = Morphs.load(folder, len(collection.paintings))
    ends = morphs.ends
    pairs = list(range(len(ends))) if chosen == "all" else numbers(chosen, "--pairs").tolist()
    if missing := [number for number in pairs if number >= len(ends)]:
        raise UserError(f"--pairs={chosen}: there is no pair {missing[0]}; they are numbered from 0 to {len(ends) - 1}")
    made = in_shapes_of(Morph(morphs.t, morphs.years, morphs.frames), collection, ends, config.collection.fit)
    collection = collection.in_own_shapes(config.collection.fit)
    with films.workshop() as pool:
        jobs = [film_pair(pool, folder, collection, ends, made, config.morphing, i, True) for i in pairs]
        for done in follow("animate", as_completed(jobs), len(jobs)):
            done.result()
    return f"{len(pairs)} films; {folder / f'pair_{pairs[-1]:03d}'}.{config.morphing.formats[0]}"


def framed(collection: Collection, index: int, compare: int) -> scene.Frame:
    """Returns a painting as the frame of a film."""
    painting = collection.paintings[index]
    return scene.Frame(collection.images[index], painting.title, painting.year, of_year(collection, painting.year, compare))


def of_year(collection: Collection, year: float, most: int) -> np.ndarray:
    """Real paintings of about a year: uint8 [most, r, r, 3]."""
    return collection.images[scene.nearest_in_time(collection.years, year, most)]


def film_years(
    pool: Executor,
    folder: pathlib.Path,
    collection: Collection,
    stations: np.ndarray,
    at: np.ndarray,
    images: np.ndarray,
    config: ConfigDict,
) -> list[Future]:
    """Returns one film through the years, by way of several paintings in order of date; years.csv says where each frame stands."""
    if len(stations) < 2:
        return []
    settings = config.morphing
    dates = collection.years[stations]
    shapes = np.exp(np.interp(at, dates, np.log(collection.aspects[stations])))
    images = matted(images, shapes, config.collection.fit)[:]
    rows, frames = [], []
    for k, year in enumerate(at):
        place = min(k // FRAMES_A_STATION, len(stations) - 2)
        from_, to = stations[place], stations[place + 1]
        rows.append({"frame": k, "year": f"{year:.3f}", "from_index": from_, "to_index": to})
        nearest = from_ if k % FRAMES_A_STATION < FRAMES_A_STATION / 2 and k < len(at) - 1 else to
        frames.append(scene.Frame(images[k], collection.paintings[nearest].title, year, of_year(collection, year, settings.compare)))
    files.write_csv(folder / "years.csv", rows[0], rows)
    stops = images[::FRAMES_A_STATION]
    sheet = np.concatenate([collection.images[stations], stops])
    pictures.write_png(folder / "years.png", pictures.grid(pictures.enlarged(sheet, 128), len(stations)))
    film = scene.scene(frames, settings.size, settings.captions)
    rate = settings.frames / settings.seconds
    return [pool.submit(films.write_films, folder / "years", film, rate, tuple(settings.formats), settings.playback)]


def film_shift(
    pool: Executor,
    folder: pathlib.Path,
    collection: Collection,
    works: Sequence[int],
    frames: np.ndarray,
    t: np.ndarray,
    config: ConfigDict,
) -> list[Future]:
    """Early paintings, moved from what the early latents have in common to what the late ones have."""
    settings = config.morphing
    files.write_array(folder / "shift.npy", frames)
    shapes = collection.aspects[list(works)]
    frames = matted(frames, between(shapes, shapes, t), config.collection.fit)[:]
    shown = np.linspace(0, len(t) - 1, min(STRIP_FRAMES, len(t))).round().astype(int)
    rows = np.concatenate([np.concatenate([collection.images[[index]], frames[i, shown]]) for i, index in enumerate(works)])
    pictures.write_png(folder / "shift.png", pictures.grid(pictures.enlarged(rows, 64), len(shown) + 1))
    film = films.moving_grid(frames, SHIFTED, MOVING_WIDTH)
    rate = settings.frames / settings.seconds
    return [pool.submit(films.write_films, folder / "shift", film, rate, tuple(settings.formats), settings.playback)]


def contact_sheet(images: np.ndarray, ends: Ends, frames: np.ndarray) -> np.ndarray:
    """Returns a row a pair: the real early painting, frames, the real late painting."""
    ends = ends[:SHEET_ROWS]
    shown = np.linspace(0, frames.shape[1] - 1, min(SHEET_FRAMES, frames.shape[1])).round().astype(int)
    rows = [np.concatenate([images[[first]], frames[i, shown], images[[last]]]) for i, (first, last) in enumerate(ends)]
    return pictures.grid(pictures.enlarged(np.concatenate(rows), 64), len(shown) + 2)
