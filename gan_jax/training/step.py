"""One training step of both players: draw a batch, step the discriminator, step the generator, average it."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import flax
import flax.linen as nn
import jax
import jax.numpy as jnp
import optax
from jax import Array

from gan_jax import keys
from gan_jax.models.layers import lerp
from gan_jax.training import batches, losses
from gan_jax.training.devices import AXIS

Tree = Mapping[str, Any]


@flax.struct.dataclass
class Player:
    """A network that learns: its parameters, its batch statistics ({} without batch norm) and the state of its Adam."""

    params: Tree
    stats: Tree
    adam: optax.ScaleByAdamState


@flax.struct.dataclass
class TrainState:
    """Everything that training changes. The tree has the same shape from the first step to the last."""

    images_seen: Array  # [] int32
    generator: Player
    discriminator: Player
    ema_params: Tree
    ema_stats: Tree


@dataclasses.dataclass(frozen=True)
class StepSettings:
    """The constants of a step; each is described in `default_config`."""

    seed: int
    loss: str
    gradient_penalty: float
    drift: float
    r1: float
    adam_b1: float
    adam_b2: float
    adam_epsilon: float
    ema_half_life_kimg: float
    ema_ramp_up: float
    mirror: bool


def init_state(generator: nn.Module, discriminator: nn.Module, level: int, seed: int) -> TrainState:
    """A new state, on the default device. `level` is the networks' full one."""

    def player(network: nn.Module, key: Array, inputs: Array) -> Player:
        variables = network.init(key, inputs, level=level, alpha=jnp.float32(1))
        params = variables["params"]
        return Player(params, variables.get("batch_stats", {}), optax.scale_by_adam().init(params))

    @jax.jit
    def init() -> TrainState:
        g_key, d_key = jax.random.split(keys.key(seed))
        g = player(generator, g_key, jnp.zeros((1, generator.latent_size)))
        d = player(discriminator, d_key, jnp.zeros((1, 2**level, 2**level, 3)))
        return TrainState(jnp.int32(0), g, d, g.params, g.stats)

    state = init()
    # Donation needs buffers of its own for the average, which starts as the generator itself.
    return state.replace(ema_params=jax.tree.map(jnp.copy, state.ema_params), ema_stats=jax.tree.map(jnp.copy, state.ema_stats))


def restart_adam(state: TrainState) -> TrainState:
    """Forgets both Adams' moments and counts, as the reference does where a level starts to fade in and where it has."""

    def restart(player: Player) -> Player:
        return player.replace(adam=jax.tree.map(jnp.zeros_like, player.adam))

    return state.replace(generator=restart(state.generator), discriminator=restart(state.discriminator))


def make_step(
    generator: nn.Module, discriminator: nn.Module, settings: StepSettings, *, level: int, batch_size: int, devices: int
) -> Callable[[TrainState, Array, Array, Array], tuple[TrainState, dict[str, Array]]]:
    """The step of one level, to be run by `devices.data_parallel`.

    Returns:
      step(state, images, alpha, learning_rate) -> (state, metrics), where `images` is uint8 [m, 2^level, 2^level, 3], the whole
      collection at this level, `alpha` [] the weight of the level, and the metrics are means over all devices.
    """
    adam = optax.scale_by_adam(settings.adam_b1, settings.adam_b2, settings.adam_epsilon)
    wasserstein = settings.loss == "wgan-gp"

    def forward(network: nn.Module, params: Tree, stats: Tree, x: Array, alpha: Array) -> tuple[Array, Tree]:
        if not stats:
            return network.apply({"params": params}, x, level=level, alpha=alpha, train=True), stats
        y, moved = network.apply({"params": params, "batch_stats": stats}, x, level=level, alpha=alpha, train=True, mutable=["batch_stats"])
        return y, moved["batch_stats"]

    def slopes(params: Tree, stats: Tree, images: Array, alpha: Array) -> Array:
        return jax.grad(lambda x: forward(discriminator, params, stats, x, alpha)[0].sum())(images)

    def discriminator_loss(params: Tree, stats: Tree, real: Array, fake: Array, mix: Array, alpha: Array):
        real_score, moved = forward(discriminator, params, stats, real, alpha)
        fake_score, moved = forward(discriminator, params, moved, fake, alpha)
        if wasserstein:
            between = real + (fake - real) * mix[:, None, None, None]
            penalty = losses.gradient_penalty(slopes(params, stats, between, alpha))
            loss = losses.wasserstein_discriminator(real_score, fake_score)
            loss = loss + settings.gradient_penalty * penalty + settings.drift * losses.drift(real_score)
        else:
            loss = losses.non_saturating_discriminator(real_score, fake_score)
            penalty = losses.r1(slopes(params, stats, real, alpha)) if settings.r1 else jnp.zeros_like(loss)
            loss = loss + settings.r1 * penalty
        metrics = {
            "loss/discriminator": loss.mean(),
            "score/real": real_score.mean(),
            "score/fake": fake_score.mean(),
            "penalty": penalty.mean(),
        }
        return metrics["loss/discriminator"], (moved, metrics)

    def generator_loss(params: Tree, stats: Tree, judge: Player, latents: Array, alpha: Array):
        images, moved = forward(generator, params, stats, latents, alpha)
        score, judged = forward(discriminator, judge.params, judge.stats, images, alpha)
        loss = (losses.wasserstein_generator if wasserstein else losses.non_saturating_generator)(score).mean()
        return loss, (moved, judged, {"loss/generator": loss})

    def learn(network: nn.Module, player: Player, loss: Callable, learning_rate: Array) -> tuple[Player, Any]:
        """A step of Adam on the part of the tree that this level uses; the rest rides along untouched."""
        names = network.active(level) or set(player.params)
        active = {name: player.params[name] for name in names}
        gradients, auxiliary = jax.grad(lambda active: loss({**player.params, **active}), has_aux=True)(active)
        gradients = jax.lax.pmean(gradients, AXIS)

        def used(tree: Tree) -> Tree:
            return {name: tree[name] for name in names}

        state = player.adam
        with jax.numpy_dtype_promotion("standard"):  # optax raises a float to its integer count
            updates, state = adam.update(gradients, state._replace(mu=used(state.mu), nu=used(state.nu)))
        state = state._replace(mu={**player.adam.mu, **state.mu}, nu={**player.adam.nu, **state.nu})
        active = jax.tree.map(lambda p, u: p - learning_rate * u, active, updates)
        return player.replace(params={**player.params, **active}, adam=state), auxiliary

    def step(state: TrainState, images: Array, alpha: Array, learning_rate: Array) -> tuple[TrainState, dict[str, Array]]:
        index = jax.lax.axis_index(AXIS)
        key = jax.random.fold_in(keys.key(settings.seed), state.images_seen)
        draw = dict(zip(("images", "mirror", "mix", "latents_d", "latents_g"), jax.random.split(key, 5)))

        def mine(batch: Array) -> Array:
            return batches.share(batch, index, devices)

        def latents(name: str) -> Array:
            return mine(jax.random.normal(draw[name], (batch_size, generator.latent_size)))

        real = batches.real_images(
            images,
            mine(jax.random.randint(draw["images"], (batch_size,), 0, images.shape[0])),
            mine(jax.random.bernoulli(draw["mirror"], 0.5 if settings.mirror else 0.0, (batch_size,))),
            alpha,
        )
        mix = mine(jax.random.uniform(draw["mix"], (batch_size,)))

        g, d = state.generator, state.discriminator
        fake, g_stats = forward(generator, g.params, g.stats, latents("latents_d"), alpha)
        d, (d_stats, d_metrics) = learn(
            discriminator,
            d,
            lambda params: discriminator_loss(params, d.stats, real, jax.lax.stop_gradient(fake), mix, alpha),
            learning_rate,
        )
        d = d.replace(stats=d_stats)
        z = latents("latents_g")
        g, (g_stats, d_stats, g_metrics) = learn(generator, g, lambda params: generator_loss(params, g_stats, d, z, alpha), learning_rate)
        g, d = g.replace(stats=g_stats), d.replace(stats=d_stats)

        images_seen = state.images_seen + batch_size
        half_life = jnp.minimum(settings.ema_half_life_kimg * 1000, images_seen.astype(jnp.float32) * settings.ema_ramp_up)
        weight = 1 - 0.5 ** (batch_size / half_life)
        state = TrainState(
            images_seen,
            g,
            d,
            jax.tree.map(lambda average, now: lerp(average, now, weight), state.ema_params, g.params),
            jax.tree.map(lambda average, now: lerp(average, now, weight), state.ema_stats, g.stats),
        )
        # With synchronised batch norm the statistics are equal already; without, every device goes on with the mean of all.
        if g.stats:
            state = state.replace(
                generator=g.replace(stats=jax.lax.pmean(g.stats, AXIS)), discriminator=d.replace(stats=jax.lax.pmean(d.stats, AXIS))
            )
            state = state.replace(ema_stats=jax.lax.pmean(state.ema_stats, AXIS))
        return state, jax.lax.pmean({**d_metrics, **g_metrics}, AXIS)

    return step
