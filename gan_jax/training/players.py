"""What both players make of a batch, and how wrong that is: the networks as training calls them, and the loss of each."""

import dataclasses
from collections.abc import Callable, Mapping, Set
from typing import Any

import flax
import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from gan_jax.models.generator import on_sphere
from gan_jax.models.projected import ProjectedDiscriminator
from gan_jax.training import augmentation, losses, paintings
from gan_jax.training.batches import Batch, GeneratorBatch, Inputs
from gan_jax.training.settings import StepSettings, projected_images
from gan_jax.training.state import Player, TrainState

Tree = Mapping[str, Any]
Metrics = dict[str, Array]
PAINTINGS = "paintings"  # the paintings' latents, where they stand beside the generator's parameters


@dataclasses.dataclass(frozen=True)
class Networks:
    """Both networks at one level, as they are called in training."""

    generator: nn.Module
    discriminator: nn.Module
    level: int
    second: ProjectedDiscriminator | None = None

    def generate(self, params: Tree, stats: Tree, inputs: Inputs, alpha: Array) -> tuple[Array, Tree]:
        """Paints images [n, r, r, 3]; also returns the batch statistics after them."""
        noise = {"seeds": inputs.noise} if self.generator.noise else {}
        joined = jnp.concatenate([inputs.latents, inputs.labels], 1)
        return self._apply(self.generator, params, stats, joined, alpha, **noise)

    def discriminate(self, params: Tree, stats: Tree, images: Array, alpha: Array, among: int = 1) -> tuple[tuple[Array, Array], Tree]:
        """Gives scores [n] and label logits [n, k] of `among` batches of images [n, r, r, 3], and the batch statistics after them."""
        return self._apply(self.discriminator, params, stats, images, alpha, batches=among)

    def input_gradients(self, params: Tree, stats: Tree, images: Array, alpha: Array) -> Array:
        """Returns the gradient of each score by its image, [n, r, r, 3]."""
        return jax.grad(lambda x: self.discriminate(params, stats, x, alpha)[0][0].sum())(images)

    def features(self, params: Tree, stats: Tree, images: Array, alpha: Array, among: int = 1) -> list[Array]:
        """Returns what the discriminator's layers hand on, [n, h, w, c] each."""
        settings: dict[str, Any] = dict(level=self.level, alpha=alpha, batches=among, train=True, mutable=["features", "batch_stats"])
        _, seen = self.discriminator.apply(_variables(params, stats), images, **settings)
        return [layer[0] for layer in seen.get("features", {}).values()]  # none at 4 pixels

    def seen_projected(self, frozen: Tree, images: Array) -> list[Array]:
        """Returns what the second discriminator looks at, of images [n, r, r, 3]: mixed features [n, h, w, c] of each size."""
        assert self.second is not None  # it is asked where there is one
        return self.second.features(frozen, images)

    def discriminate_projected(self, params: Tree, seen: list[Array], labels: Array, among: int = 1) -> Array:
        """Gives the second discriminator's scores [n, patches] of what it has `seen` of `among` batches, with labels [n, label_size]."""
        assert self.second is not None
        (scores, logits), _ = self.second.apply({"params": params}, seen, batches=among, mutable=["batch_stats"])
        return (losses.of_year if self.generator.timed else losses.of_label)(scores, logits, labels)

    def _apply(self, network: nn.Module, params: Tree, stats: Tree, x: Array, alpha: Array, **settings: Any) -> tuple[Any, Tree]:
        settings |= dict(level=self.level, alpha=alpha, train=True)
        if not stats:
            return network.apply(_variables(params, stats), x, **settings), stats
        y, moved = network.apply(_variables(params, stats), x, mutable=["batch_stats"], **settings)
        return y, moved["batch_stats"]


@flax.struct.dataclass
class Made:
    """Images of n inputs and of k paintings, and what is seen in them."""

    images: Array  # [n + k, r, r, 3], those of paintings at their own latents last
    augmented: Array  # [n, r, r, 3], as the discriminators see the first n
    # What a second discriminator's network sees, features [.., h, w, c] of each size; [] where there is none:
    scored: list[Array]  # in a share of the augmented images
    compared: list[Array]  # in what is painted in paintings' place, moved; [] also where it is not compared by that


def discriminator_loss(
    networks: Networks,
    settings: StepSettings,
    params: Tree,
    stats: Tree,
    generator: Player,
    batch: Batch,
    alpha: Array,
    border: Array,
) -> tuple[Array, tuple[Tree, Metrics]]:
    """Returns the loss [], and beside it the batch statistics after it and the metrics.

    border: of the scores, from which on they call an image real.
    """
    labelled, timed = networks.discriminator.label_size, networks.generator.timed
    real, generated = shown(networks, settings, generator, batch, alpha)
    # One pass for both, half as many and twice as large convolutions; statistics are those of each alone.
    (scores, logits), moved = networks.discriminate(params, stats, jnp.concatenate([real, generated]), alpha, among=2)
    if timed:
        scores = losses.of_year(scores, logits, jnp.concatenate([batch.labels, batch.inputs.labels]))
    of_real, of_generated = jnp.split(scores, 2)
    loss, penalty = losses.penalised(
        losses.LOSSES[settings.loss].discriminator(of_real, of_generated),
        settings, real, generated, batch.mix, of_real,
        lambda images: networks.input_gradients(params, stats, images, alpha),
    )  # fmt: skip
    metrics = {"score/real": of_real.mean(), "score/fake": of_generated.mean()}
    metrics["overfitting"] = augmentation.overfitting(of_real, border)
    if penalty is not None:
        metrics["penalty"] = penalty.mean()
    if labelled and not timed:
        guessed, of_inputs = jnp.split(logits, 2)
        wrong = losses.cross_entropy(guessed, batch.labels) + losses.cross_entropy(of_inputs, batch.inputs.labels)
        loss = loss + settings.label_weight * wrong
        metrics["loss/labels"] = wrong.mean()
    metrics["loss/discriminator"] = loss.mean()
    return loss.mean(), (moved, metrics)


def projected_loss(
    networks: Networks, settings: StepSettings, params: Tree, frozen: Tree, generator: Player, batch: Batch, alpha: Array
) -> tuple[Array, tuple[Tree, Metrics]]:
    """Returns the second discriminator's loss [], and beside it {}, as it has no batch statistics to keep, and the metrics.

    frozen: what it looks through; what that has seen in generated images already (`batch.seen`) is not looked at again. It sees what the
    first one sees, or a share of it, and has the hinge loss, whatever that one's is: it has no penalty.
    """
    n = projected_images(settings, len(batch.real))
    real, generated = (images[:n] for images in shown(networks, settings, generator, batch, alpha))
    labels = jnp.concatenate([batch.labels[:n], batch.inputs.labels[:n]])
    if batch.seen is None:
        features = networks.seen_projected(frozen, jnp.concatenate([real, generated]))
    else:
        features = [jnp.concatenate(both) for both in zip(networks.seen_projected(frozen, real), batch.seen)]
    scores = networks.discriminate_projected(params, features, labels, among=2)
    of_real, of_generated = jnp.split(scores, 2)
    loss = losses.hinge_discriminator(of_real, of_generated).mean()
    return loss, ({}, {"score/real_projected": of_real.mean(), "score/fake_projected": of_generated.mean(), "loss/projected": loss})


def shown(networks: Networks, settings: StepSettings, generator: Player, batch: Batch, alpha: Array) -> tuple[Array, Array]:
    """Returns real and generated images [n, r, r, 3], augmented, as both discriminators see them. What is not painted yet is painted."""
    generated = batch.generated
    if generated is None:
        generated, _ = networks.generate(generator.params, generator.stats, batch.inputs, alpha)
    real = augment(batch.real, batch.augment_real, batch.strength, settings)
    return real, augment(generated, batch.augment_generated, batch.strength, settings)


def trained_with_generator(state: TrainState) -> Tree:
    """Returns the generator's parameters, and beside them the latents of paintings that have some of their own."""
    return {**state.generator.params, **({PAINTINGS: state.works["latents"]} if state.works else {})}


def generate_batch(networks: Networks, params: Tree, stats: Tree, batch: GeneratorBatch, alpha: Array) -> tuple[Array, Tree]:
    """Paints images [n + k, r, r, 3] of n inputs and of k paintings at their own latents; also returns the batch statistics after them."""
    if batch.paintings is None:
        return networks.generate(params, stats, batch.inputs, alpha)
    own = Inputs(on_sphere(params[PAINTINGS][batch.paintings.which]), batch.paintings.labels, batch.paintings.noise)
    inputs = jax.tree.map(lambda *each: jnp.concatenate(each), batch.inputs, own)
    return networks.generate(only(params, params.keys() - {PAINTINGS}), stats, inputs, alpha)


def make(
    networks: Networks, settings: StepSettings, params: Tree, stats: Tree, frozen: Tree, batch: GeneratorBatch, alpha: Array
) -> tuple[Made, Tree]:
    """Paints a batch; also returns the batch statistics after it. `frozen`: what a second discriminator looks through, {} without one."""
    images, moved = generate_batch(networks, params, stats, batch, alpha)
    return look(networks, settings, frozen, images, batch), moved


def look(networks: Networks, settings: StepSettings, frozen: Tree, images: Array, batch: GeneratorBatch) -> Made:
    """Augments images [n + k, r, r, 3], as `generate_batch` makes them, and looks at them through `frozen`."""
    n, own = len(batch.inputs.latents), batch.paintings
    augmented = augment(images[:n], batch.augment, batch.strength, settings)
    if not networks.second:
        return Made(images, augmented, [], [])
    scored = augmented[: projected_images(settings, n)]
    if own is None or own.moves is None:
        return Made(images, augmented, networks.seen_projected(frozen, scored), [])
    # One pass for what is scored and for what is compared, as it is gone back through.
    both = networks.seen_projected(frozen, jnp.concatenate([scored, moved_as_paintings(images[n:], own.moves)]))
    return Made(images, augmented, [x[: len(scored)] for x in both], [x[len(scored) :] for x in both])


def moved_as_paintings(images: Array, moves: augmentation.Chances) -> Array:
    """Moves and zooms paintings [k, r, r, 3], or what is painted in their place, which are so moved alike.

    What looks like a painting at one place and size alone is no form of it.
    """
    return augmentation.augment(images, moves, jnp.float32(1))


def generator_loss(
    networks: Networks,
    settings: StepSettings,
    made: Made,
    stats: Tree,
    discriminator: Tree,
    batch: GeneratorBatch,
    alpha: Array,
    second: tuple[Tree, Tree] | None = None,
) -> tuple[Array, tuple[Tree, Metrics]]:
    """Returns the loss [] of what `make` makes, and beside it the discriminator's batch statistics after it and the metrics.

    stats, discriminator: the discriminator's batch statistics and parameters.
    second: the second one's parameters, and what it looks through, where there is one.
    """
    n, timed = len(batch.inputs.latents), networks.generator.timed
    (scores, logits), moved = networks.discriminate(discriminator, stats, made.augmented, alpha)
    loss = losses.LOSSES[settings.loss].generator(losses.of_year(scores, logits, batch.inputs.labels) if timed else scores)
    if networks.generator.label_size and not timed:
        loss = loss + settings.label_weight * losses.cross_entropy(logits, batch.inputs.labels)
    loss, metrics = loss.mean(), {"loss/generator": loss.mean()}
    if second:
        labels = batch.inputs.labels[: projected_images(settings, n)]
        metrics["loss/generator_projected"] = -networks.discriminate_projected(second[0], made.scored, labels).mean()
        loss = loss + settings.projected_discriminator * metrics["loss/generator_projected"]
    if own := batch.paintings:
        painted = made.images[n:]
        both = jnp.concatenate([own.images, painted])
        layers = (jnp.split(layer, 2) for layer in networks.features(discriminator, moved, both, alpha, among=2))
        features = [(there, here) for there, here in layers]
        unlike = paintings.unlike(painted, own.images, features, settings.paintings_detail)
        if second and own.moves is not None:
            forms = networks.seen_projected(second[1], moved_as_paintings(own.images, own.moves))
            unlike = unlike + settings.paintings_forms * paintings.unlike_features(list(zip(forms, made.compared)))
        metrics["loss/works"] = unlike.mean()
        loss = loss + settings.paintings * metrics["loss/works"]
    return loss, (moved, metrics)


def augment(images: Array, chances: augmentation.Chances | None, strength: Array | None, settings: StepSettings) -> Array:
    """Returns images as the discriminator sees them; without chances as they are."""
    if chances is None:
        return images
    assert strength is not None  # it is drawn with the chances
    return augmentation.augment(images, chances, strength[0], settings.augment_colour)


@dataclasses.dataclass(frozen=True)
class Painted:
    """What the generator has made of a batch, for all players to learn from."""

    made: Made
    backwards: Callable[[Made], tuple[Tree]]  # a gradient by it to one by what the generator's step changes
    stats: Tree

    @classmethod
    def by(
        cls, networks: Networks, settings: StepSettings, state: TrainState, frozen: Tree, batch: GeneratorBatch, alpha: Array
    ) -> "Painted":
        def made(params: Tree) -> tuple[Made, Tree]:
            return make(networks, settings, params, state.generator.stats, frozen, batch, alpha)

        return cls(*jax.vjp(made, trained_with_generator(state), has_aux=True))

    def among(self, batch: Batch) -> Batch:
        """Returns what the discriminators learn from, with what is made already."""
        return dataclasses.replace(batch, generated=self.made.images[: len(batch.real)], seen=self.made.scored or None)


def _variables(params: Tree, stats: Tree) -> Tree:
    return {"params": params, "batch_stats": stats} if stats else {"params": params}


def only(tree: Tree, names: Set[str]) -> Tree:
    """Returns the branches of these names."""
    return {name: tree[name] for name in names}
