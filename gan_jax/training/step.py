"""One training step of both players: draw a batch, step the discriminator, step the generator, average it."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any

import flax
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array

from gan_jax import keys
from gan_jax.models.generator import on_sphere
from gan_jax.models.layers import lerp
from gan_jax.training import augmentation, batches, losses, works
from gan_jax.training.augmentation import Augmentation, augment
from gan_jax.training.devices import AXIS

Tree = Mapping[str, Any]
WORKS = "works"  # the works' latents, where they stand beside the generator's parameters


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
    augmentation: Augmentation
    works: Tree  # as `works.begin` makes them


@flax.struct.dataclass
class Data:
    """What is learnt, at one level."""

    images: Array  # uint8 [m, r, r, 3]
    labels: Array  # float32 [m, label_size]: one-hot, or the year in standard deviations from the mean; label_size is 0 without labels


@dataclasses.dataclass(frozen=True)
class StepSettings:
    """The constants of a step; each is described in `default_config`."""

    seed: int
    loss: str
    works: float
    works_batch: int
    works_rate: float
    works_spread: float
    works_detail: int
    between: float
    year_width: float  # in standard deviations of the works' years
    fresh_latents: bool
    discriminator_rate: float
    freeze_discriminator: int
    gradient_penalty: float
    drift: float
    r1: float
    r1_every: int
    label_weight: float
    adam_b1: float
    adam_b2: float
    adam_epsilon: float
    ema_decay: float
    ema_half_life_kimg: float
    ema_ramp_up: float
    mirror: bool
    augment: str
    augment_kinds: tuple[str, ...]
    augment_colour: float
    augment_strength: float
    augment_target: float
    augment_kimg: float


def init_state(
    generator: nn.Module, discriminator: nn.Module, level: int, seed: int, augment: str = "none", strength: float = 0.0, count: int = 0
) -> TrainState:
    """A new state, on the default device.

    Args:
      level: the networks' full one.
      augment, strength: as in the settings of a step.
      count: works that have latents of their own.
    """
    state = _begin(generator, discriminator, level, augment, strength, count, np.int32(seed))
    # Donation needs buffers of its own for the average, which starts as the generator itself.
    return state.replace(ema_params=jax.tree.map(jnp.copy, state.ema_params), ema_stats=jax.tree.map(jnp.copy, state.ema_stats))


@functools.partial(jax.jit, static_argnums=(0, 1, 2, 3, 4, 5))
def _begin(
    generator: nn.Module, discriminator: nn.Module, level: int, augment: str, strength: float, count: int, seed: Array
) -> TrainState:
    def player(network: nn.Module, key: Array, inputs: Array) -> Player:
        variables = network.init(key, inputs, level=level, alpha=jnp.float32(1))
        params = variables["params"]
        return Player(params, variables.get("batch_stats", {}), optax.scale_by_adam().init(params))

    g_key, d_key = jax.random.split(keys.key(seed))
    g = player(generator, g_key, jnp.zeros((1, generator.latent_size + generator.label_size)))
    d = player(discriminator, d_key, jnp.zeros((1, 2**level, 2**level, 3)))
    own = works.begin(jax.random.fold_in(keys.key(seed), 1), count, generator.latent_size)
    return TrainState(jnp.int32(0), g, d, g.params, g.stats, augmentation.begin(augment, strength), own)


def restart_adam(state: TrainState) -> TrainState:
    """Forgets both Adams' moments and counts, as the reference does where a level starts to fade in and where it has."""

    def restart(player: Player) -> Player:
        return player.replace(adam=_zeros_like(player.adam))

    return state.replace(generator=restart(state.generator), discriminator=restart(state.discriminator))


def make_step(
    generator: nn.Module,
    discriminator: nn.Module,
    settings: StepSettings,
    *,
    level: int,
    batch_size: int,
    devices: int,
    parts: int = 1,
    with_r1: bool = True,
) -> Callable[[TrainState, Data, Array, Array], tuple[TrainState, dict[str, Array]]]:
    """The step of one level, to be compiled by `devices.Program`.

    Args:
      batch_size: images a step, over all devices.
      devices: how many share them.
      parts: pieces in which a device takes its share, one after the other, to need less memory. Gradients are their mean: the same
        without batch norm, which sees a piece at a time. A piece must be whole groups of the minibatch standard deviation.
      with_r1: whether this step has the R1 penalty, where the settings have one; with r1_every > 1, one in so many should.
    Returns:
      step(state, data, alpha, learning_rate) -> (state, metrics), where `data` is the whole collection at this level, `alpha` [] the
      weight of the level, and the metrics are means over all devices.
    """
    adam = optax.scale_by_adam(settings.adam_b1, settings.adam_b2, settings.adam_epsilon)
    judge_loss, maker_loss = losses.PLAYERS[settings.loss]
    augmented = settings.augment != "none"
    frozen = discriminator.shallow(settings.freeze_discriminator)
    timed, pinned = generator.timed, settings.works > 0
    r1 = settings.r1 * settings.r1_every if with_r1 and settings.loss != "wgan-gp" else 0.0

    def judge(params: Tree, stats: Tree, images: Array, alpha: Array, among: int = 1) -> tuple[tuple[Array, Array], Tree]:
        """Scores and label logits of images [among * n, ...], and the batch statistics after them."""
        return _apply(discriminator, params, stats, images, level=level, alpha=alpha, batches=among)

    def make(params: Tree, stats: Tree, batch: Tree, alpha: Array) -> tuple[Array, Tree]:
        """Images of the latents and labels of a batch, and the batch statistics after them."""
        noise = {"seeds": batch["noise"]} if generator.noise else {}
        inputs = jnp.concatenate([batch["latents"], batch["labels"]], 1)
        return _apply(generator, params, stats, inputs, level=level, alpha=alpha, **noise)

    def shown(images: Array, batch: Tree, name: str) -> Array:
        """Images as the discriminator sees them."""
        return augment(images, batch[name], batch["strength"][0], settings.augment_colour) if augmented else images

    def slopes(params: Tree, stats: Tree, images: Array, alpha: Array) -> Array:
        return jax.grad(lambda x: judge(params, stats, x, alpha)[0][0].sum())(images)

    def discriminator_loss(params: Tree, stats: Tree, maker: Player, batch: Tree, alpha: Array, border: Array):
        fake = batch["fake"] if "fake" in batch else make(maker.params, maker.stats, batch, alpha)[0]
        real, fake = shown(batch["images"], batch, "seen_real"), shown(fake, batch, "seen_fake")
        # One pass for both, half as many and twice as large convolutions; statistics are those of each alone.
        (scores, logits), moved = judge(params, stats, jnp.concatenate([real, fake]), alpha, among=2)
        if timed:
            scores = losses.of_year(scores, logits, jnp.concatenate([batch["own"], batch["labels"]]))
        real_score, fake_score = jnp.split(scores, 2)
        loss = judge_loss(real_score, fake_score)
        metrics = {"score/real": real_score.mean(), "score/fake": fake_score.mean()}
        metrics["overfitting"] = augmentation.overfitting(real_score, border)
        if settings.loss == "wgan-gp":
            between = real + (fake - real) * batch["mix"][:, None, None, None]
            penalty = losses.gradient_penalty(slopes(params, stats, between, alpha))
            loss = loss + settings.gradient_penalty * penalty + settings.drift * losses.drift(real_score)
            metrics["penalty"] = penalty.mean()
        elif r1:
            penalty = losses.r1(slopes(params, stats, real, alpha))
            loss = loss + r1 * penalty
            metrics["penalty"] = penalty.mean()
        if discriminator.label_size and not timed:
            of_real, of_fake = jnp.split(logits, 2)
            wrong = losses.cross_entropy(of_real, batch["own"]) + losses.cross_entropy(of_fake, batch["labels"])
            loss = loss + settings.label_weight * wrong
            metrics["loss/labels"] = wrong.mean()
        metrics["loss/discriminator"] = loss.mean()
        return loss.mean(), (moved, metrics)

    def verdict(images: Array, stats: Tree, opponent: Player, batch: Tree, alpha: Array):
        """The generator's loss for its images."""
        (scores, logits), moved = judge(opponent.params, stats, shown(images, batch, "seen"), alpha)
        loss = maker_loss(losses.of_year(scores, logits, batch["labels"]) if timed else scores)
        if generator.label_size and not timed:
            loss = loss + settings.label_weight * losses.cross_entropy(logits, batch["labels"])
        return loss.mean(), (moved, {"loss/generator": loss.mean()})

    def make_all(params: Tree, stats: Tree, batch: Tree, alpha: Array) -> tuple[Array, Tree]:
        """Images of a batch, behind them those of the works that are painted at their own latents, and the batch statistics after them."""
        if not pinned:
            return make(params, stats, batch, alpha)
        own = {**batch["works"], "latents": on_sphere(params[WORKS][batch["works"]["which"]])}
        both = {name: jnp.concatenate([batch[name], own[name]]) for name in ("latents", "labels", "noise") if name in batch}
        return make({name: params[name] for name in params if name != WORKS}, stats, both, alpha)

    def verdict_of_all(images: Array, stats: Tree, opponent: Player, batch: Tree, alpha: Array):
        """The generator's loss for what `make_all` makes."""
        n = len(batch["latents"])
        loss, (moved, metrics) = verdict(images[:n], stats, opponent, batch, alpha)
        if not pinned:
            return loss, (moved, metrics)
        painted, there = images[n:], batch["works"]["images"]
        seen = _features(discriminator, opponent.params, moved, jnp.concatenate([there, painted]), level=level, alpha=alpha, batches=2)
        wrong = works.unlike(painted, there, [tuple(jnp.split(layer, 2)) for layer in seen], settings.works_detail).mean()
        return loss + settings.works * wrong, (moved, metrics | {"loss/works": wrong})

    def generator_loss(params: Tree, stats: tuple[Tree, Tree], opponent: Player, batch: Tree, alpha: Array):
        images, moved = make_all(params, stats[0], batch, alpha)
        loss, (judged, metrics) = verdict_of_all(images, stats[1], opponent, batch, alpha)
        return loss, ((moved, judged), metrics)

    def gradients(loss: Callable, active: Tree, stats: Any, batch: Tree) -> tuple[Tree, tuple[Any, dict[str, Array]]]:
        """The mean gradient of `loss(active, stats, batch)` over the parts, the statistics after the last, the mean metrics."""
        if parts == 1:
            return jax.grad(loss, has_aux=True)(active, stats, batch)

        def add(carry: tuple, part: Tree) -> tuple:
            total, stats = carry
            gradient, (stats, metrics) = jax.grad(loss, has_aux=True)(active, stats, part)
            return (jax.tree.map(lambda a, b: a + b / parts, total, gradient), stats), metrics

        pieces = jax.tree.map(lambda x: batches.shares(x, parts), batch)
        (total, stats), metrics = jax.lax.scan(add, (jax.tree.map(jnp.zeros_like, active), stats), pieces)
        return total, (stats, jax.tree.map(lambda x: x.mean(0), metrics))

    def learn(
        network: nn.Module, player: Player, find: Callable[[Tree], tuple[Tree, Any]], learning_rate: Array, still: set[str]
    ) -> tuple[Player, Any]:
        """A step of Adam on the part of the tree that this level uses, less what stays still; the rest rides along untouched. `find` gives
        its gradients."""
        names = (network.active(level) or set(player.params)) - still
        active = _only(player.params, names)
        found, auxiliary = find(active)
        found = jax.lax.pmean(found, AXIS)
        state = player.adam
        with jax.numpy_dtype_promotion("standard"):  # optax raises a float to its integer count
            updates, state = adam.update(found, state._replace(mu=_only(state.mu, names), nu=_only(state.nu, names)))
        state = state._replace(mu={**player.adam.mu, **state.mu}, nu={**player.adam.nu, **state.nu})
        active = jax.tree.map(lambda p, u: p - learning_rate * u, active, updates)
        return player.replace(params={**player.params, **active}, adam=state), auxiliary

    def step(state: TrainState, data: Data, alpha: Array, learning_rate: Array) -> tuple[TrainState, dict[str, Array]]:
        index = jax.lax.axis_index(AXIS)
        key = jax.random.fold_in(keys.key(settings.seed), state.images_seen)
        draws = ("images", "mirror", "mix", "latents_d", "latents_g", "labels")
        draw = dict(zip(draws, jax.random.split(key, len(draws))))

        def mine(batch: Array) -> Array:
            return batches.shares(batch, devices, index)

        def latents(name: str) -> Array:
            return mine(jax.random.normal(draw[name], (batch_size, generator.latent_size)))

        def some(name: str) -> Array:
            return mine(jax.random.randint(draw[name], (batch_size,), 0, data.images.shape[0]))

        def imagined(key: Array, latents: Array, labels: Array) -> tuple[Array, Array]:
            """What is to be painted: latents by chance or on the way between two works, with their labels."""
            if timed:
                labels = labels + settings.year_width * mine(jax.random.normal(jax.random.fold_in(key, 0), (batch_size, 1)))
            if not pinned:
                return latents, labels
            first, last, at, which = jax.random.split(jax.random.fold_in(key, 1), 4)
            first, last = (mine(jax.random.randint(each, (batch_size,), 0, data.images.shape[0])) for each in (first, last))
            t = mine(works.places(jax.random.uniform(at, (batch_size, 1))))
            on_way = mine(jax.random.bernoulli(which, settings.between, (batch_size, 1)))
            latents = jnp.where(on_way, works.on_ways(state.works["latents"], first, last, t), latents)
            return latents, jnp.where(on_way, lerp(data.labels[first], data.labels[last], t), labels)

        # Drawn before they are used: the compiler would draw them again for each pixel.
        chosen, mirrored = jax.lax.optimization_barrier(
            (some("images"), mine(jax.random.bernoulli(draw["mirror"], 0.5 if settings.mirror else 0.0, (batch_size,))))
        )
        d_latents, d_labels = imagined(jax.random.fold_in(key, 3), latents("latents_d"), data.labels[chosen])
        own = data.labels[chosen]
        if timed:
            # What stands beside a painting of a year are works of about that year.
            drawn = mine(jax.random.uniform(jax.random.fold_in(key, 4), (batch_size, 1)))
            own, chosen = d_labels, jax.lax.optimization_barrier(batches.of_about(data.labels, d_labels, settings.year_width, drawn))
        d_batch = {
            "images": batches.real_images(data.images, chosen, mirrored, alpha),
            "own": own,
            "labels": d_labels,
            "latents": d_latents,
            "mix": mine(jax.random.uniform(draw["mix"], (batch_size,))),
        }
        g, d = state.generator, state.discriminator
        # Without fresh latents the generator learns from the images that the discriminator has just seen: one pass makes both.
        shared = not settings.fresh_latents and parts == 1
        g_batch = {name: d_batch[name] for name in ("labels", "latents")}
        if settings.fresh_latents:
            g_latents, g_labels = imagined(jax.random.fold_in(key, 5), latents("latents_g"), data.labels[some("labels")])
            g_batch = {"labels": g_labels, "latents": g_latents}
        if generator.noise:
            seeds = jax.random.bits(jax.random.fold_in(key, 2), (2, batch_size), jnp.uint32)
            d_batch["noise"], g_batch["noise"] = mine(seeds[0]), mine(seeds[1] if settings.fresh_latents else seeds[0])
        if augmented:
            chances = [
                jax.tree.map(mine, augmentation.draw(each, batch_size, settings.augment_kinds))
                for each in jax.random.split(jax.random.fold_in(key, 1), 3)
            ]
            strength = jnp.broadcast_to(state.augmentation.strength, batch_size // devices)
            d_batch |= {"seen_real": chances[0], "seen_fake": chances[1], "strength": strength}
            g_batch |= {"seen": chances[2], "strength": strength}
        trained = g.params
        if pinned:
            trained = {**g.params, WORKS: state.works["latents"]}
            which = mine(jax.random.randint(jax.random.fold_in(key, 6), (settings.works_batch,), 0, data.images.shape[0]))
            there = batches.real_images(data.images, which, jnp.zeros(which.shape, bool), alpha)
            g_batch["works"] = {"which": which, "images": there, "labels": data.labels[which]}
            if generator.noise:
                g_batch["works"]["noise"] = jnp.zeros(which.shape, jnp.uint32)  # that of all pictures after training
        if shared:
            fake, backwards, g_stats = jax.vjp(lambda params: make_all(params, g.stats, g_batch, alpha), trained, has_aux=True)
            d_batch["fake"] = fake[: len(d_latents)]

        def of_discriminator(active: Tree) -> tuple[Tree, Any]:
            def loss(active: Tree, stats: Tree, batch: Tree):
                return discriminator_loss({**d.params, **active}, stats, g, batch, alpha, state.augmentation.border)

            return gradients(loss, active, d.stats, d_batch)

        def of_generator(active: Tree) -> tuple[Tree, Any]:
            def loss(active: Tree, stats: tuple[Tree, Tree], batch: Tree):
                return generator_loss({**trained, **active}, stats, opponent, batch, alpha)

            if shared:
                slope, (judged, metrics) = jax.grad(verdict_of_all, has_aux=True)(fake, d_stats, opponent, g_batch, alpha)
                found, auxiliary = backwards(slope)[0], ((g_stats, judged), metrics)
            else:
                found, auxiliary = gradients(loss, {**active, **_only(trained, trained.keys() & {WORKS})}, (g.stats, d_stats), g_batch)
            return _only(found, set(active)), (auxiliary, found.get(WORKS))

        d_rate = settings.discriminator_rate * learning_rate
        opponent, (d_stats, d_metrics) = learn(discriminator, d, of_discriminator, d_rate, frozen)
        g, (((g_stats, d_stats), g_metrics), of_own) = learn(generator, g, of_generator, learning_rate, set())
        g, d = g.replace(stats=g_stats), opponent.replace(stats=d_stats)

        images_seen = state.images_seen + batch_size
        weight = averaging_weight(settings, batch_size, images_seen)
        names = generator.active(level) or set(g.params)

        def average(before: Tree, now: Tree) -> Tree:
            return jax.tree.map(lambda a, b: lerp(a, b, weight), before, now)

        own = (
            works.learn(state.works, jax.lax.pmean(of_own, AXIS), settings.works_rate, settings.works_spread, weight)
            if pinned
            else state.works
        )
        ema_params = {**state.ema_params, **average(_only(state.ema_params, names), _only(g.params, names))}
        metrics = jax.lax.pmean({**d_metrics, **g_metrics}, AXIS)
        augmenting = state.augmentation
        if settings.augment == "adaptive":
            scores = metrics["score/real"], metrics["score/fake"]
            target, kimg = settings.augment_target, settings.augment_kimg
            augmenting = augmentation.steer(augmenting, metrics["overfitting"], scores, settings.loss, target, batch_size, kimg)
        if augmented:
            metrics["augmentation"] = augmenting.strength
        state = TrainState(images_seen, g, d, ema_params, average(state.ema_stats, g.stats), augmenting, own)
        # With synchronised batch norm the statistics are equal already; without, every device goes on with the mean of all.
        if g.stats:
            state = state.replace(
                generator=g.replace(stats=jax.lax.pmean(g.stats, AXIS)), discriminator=d.replace(stats=jax.lax.pmean(d.stats, AXIS))
            )
            state = state.replace(ema_stats=jax.lax.pmean(state.ema_stats, AXIS))
        return state, metrics

    return step


def averaging_weight(settings: StepSettings, batch_size: int, images_seen: Array) -> Array:
    """How much of the generator enters its average at a step."""
    if settings.ema_decay:
        return jnp.float32(1 - settings.ema_decay)
    half_life = jnp.minimum(settings.ema_half_life_kimg * 1000, images_seen.astype(jnp.float32) * settings.ema_ramp_up)
    return 1 - 0.5 ** (batch_size / half_life)


def _apply(network: nn.Module, params: Tree, stats: Tree, x: Array, **settings: Any) -> tuple[Any, Tree]:
    """What a network makes of x in training, and its batch statistics after it."""
    if not stats:
        return network.apply({"params": params}, x, train=True, **settings), stats
    y, moved = network.apply({"params": params, "batch_stats": stats}, x, train=True, mutable=["batch_stats"], **settings)
    return y, moved["batch_stats"]


def _features(network: nn.Module, params: Tree, stats: Tree, x: Array, **settings: Any) -> list[Array]:
    """What a discriminator's layers hand on in training, of images x."""
    variables = {"params": params, **({"batch_stats": stats} if stats else {})}
    _, seen = network.apply(variables, x, train=True, mutable=["features", "batch_stats"], **settings)
    return [layer[0] for layer in seen["features"].values()]


def _only(tree: Tree, names: set[str]) -> Tree:
    return {name: tree[name] for name in names}


@jax.jit
def _zeros_like(tree: Any) -> Any:
    return jax.tree.map(jnp.zeros_like, tree)  # one program; eagerly, every leaf would be one
