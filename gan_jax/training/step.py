"""One training step of both players: draw a batch, step the discriminator, step the generator, average it."""

import dataclasses
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax
from jax import Array

from gan_jax.models import projected
from gan_jax.models.layers import lerp
from gan_jax.training import augmentation, batches, losses, paintings
from gan_jax.training.batches import Batch, GeneratorBatch, Share, draw_batch
from gan_jax.training.devices import AXIS
from gan_jax.training.players import (
    PAINTINGS,
    Made,
    Metrics,
    Networks,
    Painted,
    Tree,
    discriminator_loss,
    generator_loss,
    make,
    only,
    projected_loss,
    trained_with_generator,
)
from gan_jax.training.settings import StepSettings, projected_side
from gan_jax.training.state import Data, Player, TrainState


def make_step(
    generator: nn.Module,
    discriminator: nn.Module,
    settings: StepSettings,
    *,
    level: int,
    batch_size: int,
    devices: int,
    microbatches: int = 1,
    with_r1: bool = True,
) -> Callable[[TrainState, Data, Array, Array], tuple[TrainState, Metrics]]:
    """Returns the step of one level, to be compiled by `devices.Program`.

    Args:
      batch_size: images a step, over all devices.
      devices: how many share them.
      microbatches: how many a device takes its share in, one after the other, to need less memory. Gradients are their mean: the same
        without batch norm, which sees one at a time. A microbatch must be whole groups of the minibatch standard deviation.
      with_r1: whether this step has the R1 penalty, where the settings have one; with r1_every > 1, one in so many should.
    Returns:
      step(state, data, alpha, learning_rate) -> (state, metrics), where `data` is the whole collection at this level, `alpha` [] the
      weight of the level, and the metrics are means over all devices.
    """
    side = projected_side(settings)
    second = projected.beside(discriminator, side) if side else None
    networks = Networks(generator, discriminator, level, second)
    settings = settings if with_r1 else dataclasses.replace(settings, r1=0.0)
    shared = not settings.fresh_latents and microbatches == 1  # one pass of the generator makes the images of both

    def step(state: TrainState, data: Data, alpha: Array, learning_rate: Array) -> tuple[TrainState, Metrics]:
        share = Share(batch_size, devices, jax.lax.axis_index(AXIS))
        batch, for_generator = draw_batch(state, data, alpha, settings, generator, share)
        painted = Painted.by(networks, settings, state, data.frozen, for_generator, alpha) if shared else None
        if painted:
            batch = painted.among(batch)
        d, d_metrics = discriminator_step(networks, settings, state, batch, alpha, learning_rate, microbatches)
        if second:
            beside, more = projected_step(networks, settings, state, data.frozen, batch, alpha, learning_rate, microbatches)
            state, d_metrics = dataclasses.replace(state, projected=beside), {**d_metrics, **more}
        g, own, stats, g_metrics = generator_step(
            networks, settings, state, d, data.frozen, for_generator, painted, alpha, learning_rate, microbatches
        )
        d = dataclasses.replace(d, stats=stats)
        state = dataclasses.replace(state, images_seen=state.images_seen + batch_size, generator=g, discriminator=d)
        state = average(state, own, networks, settings, batch_size)
        metrics = jax.lax.pmean({**d_metrics, **g_metrics}, AXIS)
        state, metrics = steer_augmentation(state, metrics, settings, batch_size)
        return synchronise_statistics(state), metrics

    return step


def discriminator_step(
    networks: Networks,
    settings: StepSettings,
    state: TrainState,
    batch: Batch,
    alpha: Array,
    learning_rate: Array,
    microbatches: int = 1,
) -> tuple[Player, Metrics]:
    """Lets the discriminator learn from a batch."""
    d, g = state.discriminator, state.generator

    def loss(active: Tree, stats: Tree, batch: Batch) -> tuple[Array, tuple[Tree, Metrics]]:
        return discriminator_loss(networks, settings, {**d.params, **active}, stats, g, batch, alpha, state.augmentation.border)

    names = active_layers(networks.discriminator, networks.level, d) - networks.discriminator.shallow(settings.freeze_discriminator)
    gradients, (stats, metrics) = accumulate(loss, only(d.params, names), d.stats, batch, microbatches)
    rate = slowed(settings, state) * settings.discriminator_rate * learning_rate
    learnt = adam_step(d, jax.lax.pmean(gradients, AXIS), settings, rate)
    return dataclasses.replace(learnt, stats=stats), metrics


def slowed(settings: StepSettings, state: TrainState) -> Array:
    """Returns what is left of the discriminators' rates [], which are the lower, the stronger the augmentation is."""
    return 1 - settings.discriminator_slowing * state.augmentation.strength


def projected_step(
    networks: Networks,
    settings: StepSettings,
    state: TrainState,
    frozen: Tree,
    batch: Batch,
    alpha: Array,
    learning_rate: Array,
    microbatches: int = 1,
) -> tuple[Player, Metrics]:
    """Lets the second discriminator learn from the batch that the first one has; `frozen` is what it looks through."""
    d = state.projected
    assert d is not None  # it learns where there is one

    def loss(params: Tree, stats: Tree, batch: Batch) -> tuple[Array, tuple[Tree, Metrics]]:
        return projected_loss(networks, settings, params, frozen, state.generator, batch, alpha)

    gradients, (_, metrics) = accumulate(loss, d.params, d.stats, batch, microbatches)
    rate = slowed(settings, state) * settings.projected_rate * learning_rate
    return adam_step(d, jax.lax.pmean(gradients, AXIS), settings, rate), metrics


def generator_step(
    networks: Networks,
    settings: StepSettings,
    state: TrainState,
    discriminator: Player,
    frozen: Tree,
    batch: GeneratorBatch,
    painted: Painted | None,
    alpha: Array,
    learning_rate: Array,
    microbatches: int = 1,
) -> tuple[Player, Tree | None, Tree, Metrics]:
    """Lets the generator learn from a batch, or from what is `painted` of it already, beside discriminators that have had their steps.

    discriminator: the first; a second one is that of the state. `frozen` is what that looks through.

    Returns the generator, the gradient by the paintings' own latents (None where they have none), the discriminator's batch statistics and
    the metrics.
    """
    g, params = state.generator, trained_with_generator(state)
    names = active_layers(networks.generator, networks.level, g)

    assert (state.projected is None) == (networks.second is None)
    second = (state.projected.params, frozen) if state.projected else None

    def of_made(made: Made, stats: Tree, batch: GeneratorBatch) -> tuple[Array, tuple[Tree, Metrics]]:
        return generator_loss(networks, settings, made, stats, discriminator.params, batch, alpha, second)

    def of_params(active: Tree, stats: tuple[Tree, Tree], batch: GeneratorBatch) -> tuple[Array, tuple[tuple[Tree, Tree], Metrics]]:
        made, moved = make(networks, settings, {**params, **active}, stats[0], frozen, batch, alpha)
        loss, (d_stats, metrics) = of_made(made, stats[1], batch)
        return loss, ((moved, d_stats), metrics)

    if painted:
        by_made, (d_stats, metrics) = jax.grad(of_made, has_aux=True)(painted.made, discriminator.stats, batch)
        gradients, moved = painted.backwards(by_made)[0], painted.stats
    else:
        active, stats = only(params, names | (params.keys() & {PAINTINGS})), (g.stats, discriminator.stats)
        gradients, ((moved, d_stats), metrics) = accumulate(of_params, active, stats, batch, microbatches)
    g = adam_step(g, jax.lax.pmean(only(gradients, names), AXIS), settings, learning_rate)
    return dataclasses.replace(g, stats=moved), gradients.get(PAINTINGS), d_stats, metrics


def accumulate(
    loss: Callable[[Tree, Any, Any], tuple[Array, tuple[Any, Metrics]]], params: Tree, stats: Any, batch: Any, microbatches: int
) -> tuple[Tree, tuple[Any, Metrics]]:
    """Returns the mean gradient of `loss(params, stats, batch)` over microbatches, the statistics after the last, the mean metrics."""
    if microbatches == 1:
        return jax.grad(loss, has_aux=True)(params, stats, batch)

    def add(carry: tuple[Tree, Any], part: Any) -> tuple[tuple[Tree, Any], Metrics]:
        total, stats = carry
        gradient, (stats, metrics) = jax.grad(loss, has_aux=True)(params, stats, part)
        return (jax.tree.map(lambda a, b: a + b / microbatches, total, gradient), stats), metrics

    microbatched = jax.tree.map(lambda x: batches.shares(x, microbatches), batch)
    (total, stats), metrics = jax.lax.scan(add, (jax.tree.map(jnp.zeros_like, params), stats), microbatched)
    return total, (stats, jax.tree.map(lambda x: x.mean(0), metrics))


def active_layers(network: nn.Module, level: int, player: Player) -> set[str]:
    """Returns names of the layers that a level uses."""
    return network.active(level) or set(player.params)


def adam_step(player: Player, gradients: Tree, settings: StepSettings, learning_rate: Array) -> Player:
    """Moves the layers that have gradients by a step of Adam; the rest of the tree rides along untouched."""
    adam = optax.scale_by_adam(settings.adam_b1, settings.adam_b2, settings.adam_epsilon)
    before, names = player.adam, gradients.keys()
    with jax.numpy_dtype_promotion("standard"):  # optax raises a float to its integer count
        updates, after = adam.update(gradients, before._replace(mu=only(before.mu, names), nu=only(before.nu, names)))
    after = after._replace(mu={**before.mu, **after.mu}, nu={**before.nu, **after.nu})
    moved = jax.tree.map(lambda p, u: p - learning_rate * u, only(player.params, names), updates)
    return dataclasses.replace(player, params={**player.params, **moved}, adam=after)


def average(state: TrainState, own: Tree | None, networks: Networks, settings: StepSettings, batch_size: int) -> TrainState:
    """Lets the generator after its step into its average, and paintings' own latents learn by their gradient."""
    weight, g = averaging_weight(settings, batch_size, state.images_seen), state.generator
    names = active_layers(networks.generator, networks.level, g)

    def mean(before: Tree, now: Tree) -> Tree:
        return jax.tree.map(lambda a, b: lerp(a, b, weight), before, now)

    learnt = state.works
    if own is not None:
        learnt = paintings.learn(learnt, jax.lax.pmean(own, AXIS), settings.paintings_rate, settings.paintings_spread, weight)
    params = {**state.ema_params, **mean(only(state.ema_params, names), only(g.params, names))}
    return dataclasses.replace(state, works=learnt, ema_params=params, ema_stats=mean(state.ema_stats, g.stats))


def averaging_weight(settings: StepSettings, batch_size: int, images_seen: Array) -> Array:
    """Returns how much of the generator enters its average at a step."""
    if settings.ema_decay:
        return jnp.float32(1 - settings.ema_decay)
    half_life = jnp.minimum(settings.ema_half_life_kimg * 1000, images_seen.astype(jnp.float32) * settings.ema_ramp_up)
    return 1 - 0.5 ** (batch_size / half_life)


def steer_augmentation(state: TrainState, metrics: Metrics, settings: StepSettings, batch_size: int) -> tuple[TrainState, Metrics]:
    """Steers an adaptive augmentation by a step's metrics, which get its strength."""
    if settings.augment == "none":
        return state, metrics
    known = state.augmentation
    if settings.augment == "adaptive":
        border = losses.border(settings.loss, known.border, metrics["score/real"], metrics["score/fake"])
        known = augmentation.steer(known, metrics["overfitting"], border, settings.augment_target, batch_size, settings.augment_kimg)
    return dataclasses.replace(state, augmentation=known), metrics | {"augmentation": known.strength}


def synchronise_statistics(state: TrainState) -> TrainState:
    """Returns the same batch statistics on all devices: with synchronised batch norm they are equal already, without it their mean goes
    on."""
    if not state.generator.stats:
        return state
    g, d = state.generator, state.discriminator
    return dataclasses.replace(
        state,
        generator=dataclasses.replace(g, stats=jax.lax.pmean(g.stats, AXIS)),
        discriminator=dataclasses.replace(d, stats=jax.lax.pmean(d.stats, AXIS)),
        ema_stats=jax.lax.pmean(state.ema_stats, AXIS),
    )
