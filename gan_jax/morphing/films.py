"""Frames into films."""

import dataclasses
import multiprocessing
import os
import pathlib
import threading
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

import imageio.v3 as iio
import numpy as np
from PIL import Image

from gan_jax import files, pictures
from gan_jax.errors import UserError

WEBP_QUALITY = 80  # of 100
COLOURS = 256  # of a frame of a GIF
SEEN = 64  # pixels a side of a frame that its colours are chosen from


@dataclasses.dataclass(frozen=True)
class Settings:
    """Of films, in `config.morphing`."""

    frames: int  # from one painting to the other
    seconds: float  # that these take
    films: int  # pairs that have one
    size: int  # pixels
    captions: bool
    compare: int  # real paintings of the year beside a frame
    real_ends: bool  # whether the paintings themselves stand before and after the frames
    formats: tuple[str, ...]
    playback: str

    @property
    def rate(self) -> float:
        """Returns frames a second."""
        return self.frames / self.seconds

    def write(self, path: pathlib.Path, film: np.ndarray) -> None:
        """Writes a film uint8 [t, h, w, 3] in every format."""
        write_films(path, film, self.rate, self.formats, self.playback)


def workshop() -> ProcessPoolExecutor:
    """Processes that make films. The encoder is started by a fork, which can hang a process that runs JAX; these run none."""
    return ProcessPoolExecutor(min(16, os.cpu_count() or 1), multiprocessing.get_context("spawn"), _end_with_parent)


def _end_with_parent() -> None:
    """Lets a process of the workshop end when the program that started it is killed: it would wait for more to do for ever."""

    def watch() -> None:
        if parent := multiprocessing.parent_process():
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def write_films(path: pathlib.Path, frames: np.ndarray, frames_per_second: float, formats: Sequence[str], playback: str) -> None:
    """Writes `path` with each of the suffixes, of uint8 [t, h, w, 3]."""
    film = there_and_back(frames) if playback == "there-and-back" else frames
    for name in formats:
        {"gif": write_gif, "mp4": write_mp4, "webp": write_webp}[name](path.with_name(f"{path.name}.{name}"), film, frames_per_second)


def there_and_back(frames: np.ndarray) -> np.ndarray:
    """Returns [t, ...] forwards, then backwards without showing either end twice: plays as a loop."""
    return np.concatenate([frames, frames[-2:0:-1]])


def write_gif(path: os.PathLike | str, frames: np.ndarray, frames_per_second: float) -> None:
    """Writes uint8 [t, h, w, 3] as a GIF that loops for ever."""
    first, *others = map(in_few_colours, frames)
    with files.atomic_file(path) as temporary:
        # A GIF's clock ticks in hundredths of a second.
        duration = 10 * round(100 / frames_per_second)
        first.save(temporary, "GIF", save_all=True, append_images=others, duration=duration, loop=0)


def in_few_colours(frame: np.ndarray) -> Image.Image:
    """Returns uint8 [h, w, 3] in 256 colours that are chosen for it.

    From a part of its pixels, by median cut and then k-means: nearer to the frame than by median cut from all of them, in a quarter of the
    time. White and black are among what is chosen from, since a margin or a letter may be too fine to be met.
    """
    image = Image.fromarray(frame)
    seen = np.asarray(image.resize((SEEN, SEEN), Image.Resampling.NEAREST))
    ends = np.repeat(np.array([[[255]], [[0]]], np.uint8), SEEN, axis=1).repeat(3, axis=2)
    chosen = Image.fromarray(np.concatenate([seen, ends])).quantize(COLOURS, Image.Quantize.MEDIANCUT, kmeans=1, dither=Image.Dither.NONE)
    return image.quantize(palette=chosen, dither=Image.Dither.NONE)


def write_webp(path: os.PathLike | str, frames: np.ndarray, frames_per_second: float) -> None:
    """Writes uint8 [t, h, w, 3] as an animated WebP that loops for ever."""
    with files.atomic_file(path) as temporary:
        duration = round(1000 / frames_per_second)
        film = iio.imwrite("<bytes>", frames, extension=".webp", duration=duration, loop=0, quality=WEBP_QUALITY, method=2)
        temporary.write_bytes(film)


def write_mp4(path: os.PathLike | str, frames: np.ndarray, frames_per_second: float) -> None:
    """Writes uint8 [t, h, w, 3] as H.264 in the colours that every player has; odd sizes lose their last row or column."""
    frames = frames[:, : frames.shape[1] // 2 * 2, : frames.shape[2] // 2 * 2]
    with files.atomic_file(path) as temporary:
        iio.imwrite(
            temporary,
            frames,
            extension=".mp4",
            plugin="FFMPEG",
            fps=frames_per_second,
            codec="libx264",
            pixelformat="yuv420p",
            quality=8,
            macro_block_size=2,
            ffmpeg_log_level="error",
            output_params=["-threads", "1"],  # as many films are made at once as there are processors
        )
        if damaged := files.damage(temporary):  # the encoder ends well all the same
            raise UserError(f"{path}: the encoder left a damaged film ({damaged}); is the disk full?")


def resized(frames: np.ndarray, size: int) -> np.ndarray:
    """Converts uint8 [..., h, w, 3] to squares of `size` pixels: whole enlargements by pixels, reductions by Lanczos."""
    if frames.shape[-3] <= size:
        return pictures.enlarged(frames, size)
    flat = frames.reshape(-1, *frames.shape[-3:])
    small = np.stack([np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.LANCZOS)) for image in flat])
    return small.reshape(*frames.shape[:-3], size, size, 3)


def moving_grid(frames: np.ndarray, most: int, width: int) -> np.ndarray:
    """Returns uint8 [pairs, t, r, r, 3] as one film [t, h, w, 3] of the first `most` pairs side by side, about `width` pixels wide."""
    frames = frames[:most]
    columns = int(np.ceil(np.sqrt(len(frames))))
    frames = resized(frames, max(16, width // columns))
    return np.stack([pictures.grid(frames[:, k], columns) for k in range(frames.shape[1])])
