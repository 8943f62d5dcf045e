"""Sheets, strips and films of morphs, for people."""

import dataclasses
import pathlib
from collections.abc import Sequence
from concurrent.futures import Executor, Future

import numpy as np

from gan_jax import files, pictures
from gan_jax.collection.aspect import between, matted
from gan_jax.collection.paintings import Collection
from gan_jax.morphing import films, scene
from gan_jax.morphing.films import Settings
from gan_jax.morphing.frames import FRAMES_A_STATION, SHIFTED, Ends
from gan_jax.morphing.morph import Morph

SHEET_ROWS = 48  # pairs on the contact sheet
SHEET_FRAMES = 9
STRIP_FRAMES = 7  # between the two paintings of a pair's strip
MOVING_PAIRS = 64  # pairs in the film of the set
MOVING_WIDTH = 1024  # pixels


def in_shapes_of(made: Morph, collection: Collection, ends: Ends, fit: str) -> Morph:
    """Returns the frames in shapes between those of the two paintings."""
    early, late = (collection.aspects[[pair[end] for pair in ends]] for end in (0, 1))
    return dataclasses.replace(made, frames=matted(made.frames, between(early, late, made.t), fit)[:])


def contact_sheet(images: np.ndarray, ends: Ends, frames: np.ndarray) -> np.ndarray:
    """Returns a row a pair: the real early painting, frames, the real late painting."""
    ends = ends[:SHEET_ROWS]
    shown = np.linspace(0, frames.shape[1] - 1, min(SHEET_FRAMES, frames.shape[1])).round().astype(int)
    rows = [np.concatenate([images[[first]], frames[i, shown], images[[last]]]) for i, (first, last) in enumerate(ends)]
    return pictures.grid(pictures.enlarged(np.concatenate(rows), 64), len(shown) + 2)


def film_pairs(pool: Executor, folder: pathlib.Path, collection: Collection, ends: Ends, made: Morph, settings: Settings) -> list[Future]:
    """Writes the strip and the single frames of each pair, films of the nearest ones, and a moving grid of the whole set."""
    jobs = [pool.submit(settings.write, folder / "set", films.moving_grid(made.frames, MOVING_PAIRS, MOVING_WIDTH))]
    return jobs + [film_pair(pool, folder, collection, ends, made, settings, i, i < settings.films) for i in range(len(ends))]


def film_pair(
    pool: Executor, folder: pathlib.Path, collection: Collection, ends: Ends, made: Morph, settings: Settings, i: int, moving: bool
) -> Future:
    """Writes the strip and the single frames of pair `i`, and where it is `moving` the films."""
    paintings = [framed(collection, index, settings.compare) for index in ends[i]]
    shown = np.linspace(0, len(made.t) - 1, min(STRIP_FRAMES, len(made.t))).round().astype(int)
    strip = np.concatenate([paintings[0].image[None], made.frames[i, shown], paintings[1].image[None]])
    scenes = []
    if moving:
        titles = [f"from {paintings[0].title}" if t < 0.5 else f"to {paintings[1].title}" for t in made.t]
        beside = [of_year(collection, year, settings.compare) for year in made.years[i]]
        scenes = [scene.Frame(made.frames[i, k], titles[k], year, beside[k]) for k, year in enumerate(made.years[i])]
        scenes = scene.with_ends(scenes, *paintings) if settings.real_ends else scenes
    return pool.submit(scene.write_pair, folder, f"pair_{i:03d}", made.frames[i], made.t, strip, scenes, settings)


def film_years(
    pool: Executor,
    folder: pathlib.Path,
    collection: Collection,
    stations: np.ndarray,
    at: np.ndarray,
    images: np.ndarray,
    fit: str,
    settings: Settings,
) -> list[Future]:
    """Makes one film through the years, by way of several paintings in order of date; years.csv says where each frame stands."""
    if len(stations) < 2:
        return []
    dates = collection.years[stations]
    shapes = np.exp(np.interp(at, dates, np.log(collection.aspects[stations])))
    images = matted(images, shapes, fit)[:]
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
    return [pool.submit(settings.write, folder / "years", film)]


def film_shift(
    pool: Executor,
    folder: pathlib.Path,
    collection: Collection,
    paintings: Sequence[int],
    frames: np.ndarray,
    t: np.ndarray,
    fit: str,
    settings: Settings,
) -> list[Future]:
    """Shows early paintings, moved from what the early latents have in common to what the late ones have."""
    shapes = collection.aspects[list(paintings)]
    frames = matted(frames, between(shapes, shapes, t), fit)[:]
    shown = np.linspace(0, len(t) - 1, min(STRIP_FRAMES, len(t))).round().astype(int)
    rows = np.concatenate([np.concatenate([collection.images[[index]], frames[i, shown]]) for i, index in enumerate(paintings)])
    pictures.write_png(folder / "shift.png", pictures.grid(pictures.enlarged(rows, 64), len(shown) + 1))
    return [pool.submit(settings.write, folder / "shift", films.moving_grid(frames, SHIFTED, MOVING_WIDTH))]


def framed(collection: Collection, index: int, compare: int) -> scene.Frame:
    """Returns a painting as the frame of a film."""
    painting = collection.paintings[index]
    return scene.Frame(collection.images[index], painting.title, painting.year, of_year(collection, painting.year, compare))


def of_year(collection: Collection, year: float, most: int) -> np.ndarray:
    """Returns real paintings of about a year: uint8 [most, r, r, 3]."""
    return collection.images[scene.nearest_in_time(collection.years, year, most)]
