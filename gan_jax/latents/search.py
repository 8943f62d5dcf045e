"""The searches of an inversion: what each is, how they share the devices, how fast they go.

Every search is a lane of one batch: where one ends, the next takes its lane. The batch is divided among the devices.
"""

import dataclasses
import functools
import math
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from gan_jax import compiler, keys, pictures
from gan_jax.models.generator import Critic, Generator, on_sphere
from gan_jax.models.layers import STDDEV_GROUP
from gan_jax.models.likeness import Parts, Weights, distance, features_of
from gan_jax.progress import Progress

RAMP_UP, RAMP_DOWN = 0.05, 0.25  # parts of the steps over which the learning rate rises along a line and falls along a cosine
QUIET = 0.75  # part of the steps after which there is no noise
CHECK = 10  # steps between two looks at how the searches stand
GAIN = 0.01  # of the loss: where less than this is won within `patience` steps, the rate falls at once
MEASURED = 2.0  # seconds in which steps are taken to tell how fast they go; one at least


@dataclasses.dataclass(frozen=True)
class Settings:
    """Search settings."""

    steps: int  # of Adam, at most
    restarts: int  # starts for each painting
    candidates: int  # generated images that the starts are chosen from
    learning_rate: float
    noise: float  # of the latents, whose entries are about 1; 0: none
    patience: int  # steps without progress after which a search goes on to its last part, in which the rate falls
    batch_size: int  # searches at once, over all devices
    weights: Weights
    calibration: int  # generated images that are searched too, to tell what an error means


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Lanes:
    """The state of b searches."""

    z: Array  # [b, latent_size]
    adam: optax.ScaleByAdamState  # of each, its count [b] too
    step: Array  # [b], int32
    target: Array  # [b, r, r, 3]
    seen: list[Array]  # the critic's features of the targets


@dataclasses.dataclass(frozen=True)
class Pace:
    """How fast searches go on this machine."""

    seconds: float  # that a step of all searches of a round takes
    at_once: int  # searches that go on at once
    rounds: int  # in which all are done where none ends early

    def at_most(self, steps: int) -> float:
        """Returns the seconds that all searches take in so many steps each."""
        return self.rounds * steps * self.seconds


def pace(generator: Generator, searches: int, settings: Settings) -> Pace:
    """Measures how fast so many searches will go, by the programs that `search` then runs; compiles them."""
    place = place_of(generator, searches, settings)
    latents = np.ones((place.size, generator.latent_size), np.float32)
    targets = np.zeros((place.size, *[generator.resolution] * 2, 3), np.float32)
    lanes = jax.device_put(place.programs.begin(place.critic, latents, targets), place.divided)
    none = np.zeros(place.size, bool)
    lanes = place.programs.fill(place.critic, lanes, *jax.device_put((none, latents, targets), place.divided))

    def step(lanes: Lanes) -> Lanes:  # a lane that runs nothing takes as long as others
        return jax.block_until_ready(place.programs.step(place.params, place.critic, lanes, keys.key(0), np.int32(0))[0])

    lanes = step(step(lanes))  # the first compiles, and so may the second, whose lanes are placed otherwise
    start, steps = time.monotonic(), 0
    now = start
    while now < start + MEASURED:
        lanes, now, steps = step(lanes), time.monotonic(), steps + 1
    return Pace((now - start) / steps, place.size, place.rounds)


@dataclasses.dataclass(frozen=True)
class Place:
    """Where searches run: lanes, divided among the devices."""

    size: int  # lanes
    rounds: int  # in which all searches have a lane, where none ends early
    divided: NamedSharding
    params: Any
    critic: Any
    programs: "Programs"


def place_of(generator: Generator, searches: int, settings: Settings) -> Place:
    """Returns where so many searches run: as many in each round, of those that `batch_size` is enough for."""
    devices = jax.local_devices() if generator.divisible else jax.local_devices()[:1]
    mesh = Mesh(np.array(devices), ("lanes",))
    divided, everywhere = NamedSharding(mesh, PartitionSpec("lanes")), NamedSharding(mesh, PartitionSpec())
    # Whole groups for the discriminator's minibatch statistics, which its features don't use but its program has to shape.
    whole = len(devices) * STDDEV_GROUP
    rounds = math.ceil(searches / settings.batch_size)
    size = math.ceil(searches / rounds / whole) * whole  # no last round of a few
    params, critic = jax.device_put((generator.params, generator.critic.params if generator.critic else None), everywhere)
    programs = programs_of(generator.apply, generator.critic.features if generator.critic else None, settings, generator.label_size)
    return Place(size, rounds, divided, params, critic, programs)


def search(
    generator: Generator, targets: np.ndarray, owners: np.ndarray, starts: np.ndarray, settings: Settings, seed: int
) -> tuple[np.ndarray, Parts[np.ndarray], np.ndarray]:
    """Searches from every start [m, latent_size], each for the target of its owner [m].

    Returns latents [m, latent_size], their distances, and the steps [m] that were taken.
    """
    place = place_of(generator, len(starts), settings)
    size, divided, params, critic, programs = place.size, place.divided, place.params, place.critic, place.programs
    count = len(starts)
    latents = np.empty_like(starts)
    parts = Parts(*np.empty((3, count), np.float32))
    steps = np.zeros(count, np.int32)
    waiting = list(range(count))[::-1]
    lane = np.full(size, -1)  # which search each lane runs; -1: none
    best, since = np.full(size, np.inf), np.zeros(size, np.int64)  # the least loss so far, and the step at which it was seen
    spent = np.zeros(size, np.int64)  # steps that each lane's search took
    last = math.ceil(QUIET * settings.steps)
    idle = targets[np.zeros(size, int)]
    lanes = jax.device_put(programs.begin(critic, np.tile(starts[:1], (size, 1)), pictures.to_float(idle)), divided)
    noise_key, turn = jax.random.fold_in(keys.key(seed), 2), 0
    with Progress("invert", count * settings.steps, unit=" steps", scale=True) as progress:
        while waiting or (lane >= 0).any():
            free = np.flatnonzero(lane < 0)[: len(waiting)]
            if len(free):
                lane[free] = [waiting.pop() for _ in free]
                best[free], since[free], spent[free] = np.inf, 0, 0
                fresh = np.isin(np.arange(size), free)
                of_lane = np.maximum(lane, 0)
                lanes = programs.fill(
                    critic, lanes, *jax.device_put((fresh, starts[of_lane], pictures.to_float(targets[owners[of_lane]])), divided)
                )
            before = np.asarray(lanes.step)
            for _ in range(min(CHECK, settings.steps)):
                lanes, seen = programs.step(params, critic, lanes, noise_key, np.int32(turn))
                turn += 1
            loss, taken = np.asarray(seen.total(settings.weights)), np.array(lanes.step)
            spent += taken - before
            since = np.where(loss < best * (1 - GAIN), taken, since)
            best = np.minimum(best, loss)
            taken = np.where((taken < last) & (taken - since >= settings.patience), last, taken)
            progress.advance(int((taken - before)[lane >= 0].sum()), f"loss {np.median(loss[lane >= 0]):.3f}")
            arrived = np.flatnonzero((lane >= 0) & (taken >= settings.steps))
            lanes = dataclasses.replace(lanes, step=jax.device_put(taken.astype(np.int32), divided))
            if len(arrived):
                # Where a search is over, a step moves nothing, has no noise and says how far the latents found are from their target.
                lanes, found = programs.step(params, critic, lanes, noise_key, np.int32(turn))
                turn += 1
                spent += np.asarray(lanes.step) - taken
                latents[lane[arrived]], steps[lane[arrived]] = np.asarray(lanes.z)[arrived], spent[arrived]
                for name in ("pixels", "structure", "features"):
                    getattr(parts, name)[lane[arrived]] = np.asarray(getattr(found, name))[arrived]
                lane[arrived] = -1
    return latents, parts, steps


@dataclasses.dataclass(frozen=True)
class Programs:
    """The jitted programs of a search."""

    begin: Callable[..., Lanes]  # lanes that run nothing
    fill: Callable[..., Lanes]
    step: Callable[..., tuple[Lanes, Parts]]


@functools.lru_cache(maxsize=8)
def programs_of(apply: Callable, features: Callable | None, settings: Settings, label_size: int) -> Programs:
    critic_of = Critic(None, features) if features else None
    adam = optax.scale_by_adam(b1=0.9, b2=0.99)
    schedule = rate_schedule(settings)

    def seen_in(critic: Any, target: Array) -> list[Array]:
        return features_of(critic_of, critic, target)

    @jax.jit
    def begin(critic: Any, z: Array, target: Array) -> Lanes:
        seen = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), jax.eval_shape(seen_in, critic, target))
        return Lanes(z, jax.vmap(adam.init)(z), jnp.full(len(z), settings.steps, jnp.int32), target, seen)

    @functools.partial(jax.jit, donate_argnums=1)
    def fill(critic: Any, lanes: Lanes, fresh: Array, z: Array, target: Array) -> Lanes:
        """Begins the `fresh` [b] searches."""

        def chosen(new: Array, old: Array) -> Array:
            return jnp.where(fresh.reshape(-1, *[1] * (new.ndim - 1)), new, old)

        target = chosen(target, lanes.target)
        state = jax.tree.map(chosen, jax.vmap(adam.init)(z), lanes.adam)
        step = chosen(jnp.zeros_like(lanes.step), lanes.step)
        return Lanes(chosen(z, lanes.z), state, step, target, seen_in(critic, target))

    @functools.partial(jax.jit, donate_argnums=2, compiler_options=compiler.options())
    def step(params: Any, critic: Any, lanes: Lanes, key: Array, turn: Array) -> tuple[Lanes, Parts]:
        """Takes one step of each search that is not over, and the distances [b] before it."""
        done = lanes.step.astype(jnp.float32) / settings.steps
        strength = settings.noise * jnp.maximum(0.0, 1 - done / QUIET) ** 2
        noise = strength[:, None] * jax.random.normal(jax.random.fold_in(key, turn), lanes.z.shape)
        free = (jnp.arange(lanes.z.shape[1]) < lanes.z.shape[1] - label_size)[None]  # of the latents, those that are no label
        noise = jnp.where(free, noise, 0.0)

        def total(z: Array) -> tuple[Array, Parts]:
            images = apply(params, on_sphere(z + noise, label_size))
            parts = distance(images, lanes.target, features_of(critic_of, critic, images), lanes.seen)
            return parts.total(settings.weights).sum(), parts

        gradient, parts = jax.grad(total, has_aux=True)(lanes.z)
        with jax.numpy_dtype_promotion("standard"):  # optax raises a float to its integer count
            update, state = jax.vmap(lambda g, s: adam.update(g, s))(gradient, lanes.adam)
        moved = on_sphere(lanes.z - jnp.where(free, schedule(lanes.step)[:, None] * update, 0.0), label_size)
        running = lanes.step < settings.steps
        z = jnp.where(running[:, None], moved, lanes.z)
        return dataclasses.replace(lanes, z=z, adam=state, step=lanes.step + running.astype(jnp.int32)), parts

    return Programs(begin, fill, step)


def rate_schedule(settings: Settings) -> Callable[[Array], Array]:
    """Returns the learning rate [b] at steps [b]: up along a line, then constant, then down to zero along a cosine."""

    def rate(step: Array) -> Array:
        done = step.astype(jnp.float32) / settings.steps
        up = jnp.minimum(1.0, (done + 1 / settings.steps) / RAMP_UP)
        down = jnp.minimum(1.0, (1 - done) / RAMP_DOWN)
        return settings.learning_rate * up * (0.5 - 0.5 * jnp.cos(math.pi * down))

    return rate
