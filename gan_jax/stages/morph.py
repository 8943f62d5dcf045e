import pathlib
from collections.abc import Mapping
from concurrent.futures import Future, as_completed
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from gan_jax import files, pictures
from gan_jax.collection.aspect import matted
from gan_jax.collection.paintings import Collection
from gan_jax.errors import UserError
from gan_jax.fields import taken
from gan_jax.latents.inversion import rms
from gan_jax.latents.inverted import Inversion
from gan_jax.morphing import animate, films, frames, pairing, scene
from gan_jax.morphing.frames import Ends, Painted
from gan_jax.morphing.morph import Morph, times
from gan_jax.morphing.morphs import Morphs
from gan_jax.progress import follow
from gan_jax.stages.common import PERIODS, collection_of, generator_of, numbers, tuning_settings

PREVIEW = 8  # paintings in a row of the sheet of tuned reconstructions


def morph(config: ConfigDict, workdir: pathlib.Path, about: Mapping[str, Any]) -> str:
    """Makes morphs/: pairs of early and late paintings, and the ways from the ones to the others."""
    collection, settings = collection_of(workdir), config.morphing
    inverted = Inversion.load(workdir / "inversion", len(collection.paintings))
    t = times(settings.frames, settings.easing)
    latent_of = dict(zip(inverted.indices, inverted.latents))
    ends, distances, unmatched = pair(collection, settings)
    paintings = np.array(sorted(latent_of))
    stations = paintings[pairing.chain(collection.images[paintings], collection.years[paintings], settings.stations)]

    years_at = frames.dates_between(collection.years[stations])
    generator = generator_of(config, workdir)
    tuning = frames.Tuning(tuning_settings(config), config.tuning.pairs, config.tuning.reach)
    painted = frames.paint(generator, collection, latent_of, ends, stations, years_at, t, settings.path, tuning, config.seed)
    made = painted.made
    direct = frames.directly(generator, made.years, config.seed) if generator.years else None
    morphs = Morphs(ends, distances, unmatched, made.t, made.years, made.frames, direct)

    with files.atomic_folder(workdir / "morphs") as folder:
        morphs.save(folder, collection.describe)
        write_tuning(folder, collection, ends, painted, config.collection.fit)
        files.write_array(folder / "shift.npy", painted.shift)
        write_sheets_and_films(folder, collection, ends, stations, years_at, painted, config)
    return f"{len(ends)} pairs, {len(unmatched)} paintings without a counterpart; {workdir / 'morphs' / 'set.gif'}"


def pair(collection: Collection, settings: ConfigDict) -> tuple[Ends, list[float], list[tuple[int, str]]]:
    """Returns pairs of paintings with their distances, nearest first, and paintings without one, with the reason."""
    early, late = (collection.period(period) for period in PERIODS)
    of_early, of_late = ([collection.paintings[i].columns for i in paintings] for paintings in (early, late))
    subjects = pairing.disagreement(of_early, of_late, settings.columns.split(","))
    distance = pairing.distances(collection.images[early], collection.images[late], settings.colour, subjects, settings.subject)
    pairs, early_alone, late_alone = pairing.assign(distance, settings.max_distance, settings.assignment)
    if not pairs:
        raise UserError(f"config.morphing.max_distance={settings.max_distance}: no two paintings are that near; 1.0 allows every pair")
    alone = [(int(early[x.painting]), x.reason) for x in early_alone] + [(int(late[x.painting]), x.reason) for x in late_alone]
    return [(int(early[pair.early]), int(late[pair.late])) for pair in pairs], [pair.distance for pair in pairs], alone


def write_tuning(folder: pathlib.Path, collection: Collection, ends: Ends, painted: Painted, fit: str) -> None:
    """Writes the paintings that morphs begin and end with, as the generator painted them before it was tuned to them, and after."""
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


def write_sheets_and_films(
    folder: pathlib.Path, collection: Collection, ends: Ends, stations: np.ndarray, dates: np.ndarray, painted: Painted, config: ConfigDict
) -> None:
    """Writes sheets, strips and films, in which images have the shapes of the paintings."""
    fit, settings = config.collection.fit, taken(films.Settings, config.morphing)
    made = animate.in_shapes_of(painted.made, collection, ends, fit)
    collection = collection.in_own_shapes(fit)
    early, late = (collection.period(period) for period in PERIODS)
    places = [(int(np.searchsorted(early, a)), int(np.searchsorted(late, b))) for a, b in ends]
    pictures.write_png(folder / "sets.png", scene.two_sets(collection.images[early], collection.images[late], places))
    pictures.write_png(folder / "contact_sheet.png", animate.contact_sheet(collection.images, ends, made.frames))
    with films.workshop() as pool:
        jobs = animate.film_pairs(pool, folder, collection, ends, made, settings)
        jobs += animate.film_years(pool, folder, collection, stations, dates, painted.years, fit, settings)
        jobs += animate.film_shift(pool, folder, collection, frames.shifted(ends), painted.shift, made.t, fit, settings)
        wait(jobs)


def wait(jobs: list[Future]) -> None:
    """Waits for films that are being made, with a bar; raises what one of them has raised."""
    for job in follow("animate", as_completed(jobs), len(jobs)):
        job.result()


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
    settings = taken(films.Settings, config.morphing)
    made = animate.in_shapes_of(Morph(morphs.t, morphs.years, morphs.frames), collection, ends, config.collection.fit)
    collection = collection.in_own_shapes(config.collection.fit)
    with films.workshop() as pool:
        wait([animate.film_pair(pool, folder, collection, ends, made, settings, i, True) for i in pairs])
    return f"{len(pairs)} films; {folder / f'pair_{pairs[-1]:03d}'}.{settings.formats[0]}"
