"""The networks give the papers' mathematics."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import plain_pggan
import published
import pytest
from scipy import ndimage

from gan_jax import default_config
from gan_jax.models import batch_norm, convolutions, dcgan, layers, networks, pggan, reference

ONE = jnp.float32(1)


def random(key: int, *shape: int) -> jax.Array:
    return jax.random.normal(jax.random.key(key), shape)


def init(network, inputs, level: int):
    """Begins a network's variables, in one program; op by op each would be one."""
    return jax.jit(lambda x: network.init(jax.random.key(0), x, level=level, alpha=ONE))(inputs)


def apply(network, variables, inputs, level: int, alpha=ONE, **settings):
    """What a network makes, in one program; `settings` are known when it is compiled."""
    return jax.jit(lambda v, x: network.apply(v, x, level=level, alpha=alpha, **settings))(variables, inputs)


def plain_conv(x, kernel, strides=1, padding="SAME", transposed=1):
    return jax.lax.conv_general_dilated(
        x, kernel, (strides, strides), padding, lhs_dilation=(transposed, transposed), dimension_numbers=("NHWC", "OHWI", "NHWC")
    )


def plain_strided(x, kernel):
    return plain_conv(x, kernel, 2, ((1, 1), (1, 1)))


def test_scaling_inside_a_convolution_is_scaling_apart_from_it():
    x, kernel = random(0, 2, 6, 6, 5), random(1, 7, 3, 3, 5)
    np.testing.assert_allclose(layers.upscale_conv(x, kernel), plain_conv(layers.enlarge(x), kernel), atol=1e-4)
    np.testing.assert_allclose(layers.conv_downscale(x, kernel), layers.reduce(plain_conv(x, kernel)), atol=1e-4)


@pytest.mark.parametrize("channels", [3, 5])  # colours take another way
def test_strided_convolutions_and_their_derivatives_are_those_of_xla(channels):
    x, y, kernel = random(0, 2, 6, 6, channels), random(1, 2, 3, 3, 7), random(2, 7, 4, 4, channels)
    (back,) = jax.linear_transpose(lambda x: plain_strided(x, kernel), x)(y)
    (of_kernel,) = jax.linear_transpose(lambda k: plain_strided(x, k), kernel)(y)
    np.testing.assert_allclose(convolutions.strided_conv(x, kernel), plain_strided(x, kernel), atol=1e-4)
    np.testing.assert_allclose(convolutions.transposed_conv(y, kernel), back, atol=1e-4)
    np.testing.assert_allclose(convolutions.kernel_gradient(x, y), of_kernel, atol=1e-4)
    for way in (convolutions._strided, convolutions._strided_by_parts, convolutions._gathered_product):  # whichever a backend takes
        np.testing.assert_allclose(way(x, kernel), plain_strided(x, kernel), atol=1e-4)
    for way in (convolutions._depth_to_space, convolutions._spread_products):
        np.testing.assert_allclose(way(y, kernel), back, atol=1e-4)
    for way in (convolutions._kernel, convolutions._kernel_by_parts, convolutions._kernel_product):
        np.testing.assert_allclose(way(x, y), of_kernel, atol=1e-4)
    # Derivatives of the second order, by both arguments, as a gradient penalty has them; then of the transpose, and of its gradient.
    for ours, theirs, a in (
        (convolutions.strided_conv, plain_strided, x),
        (convolutions.transposed_conv, lambda y, k: jax.linear_transpose(lambda x: plain_strided(x, k), x)(y)[0], y),
    ):

        def penalty(conv, a, kernel):
            return (jax.grad(lambda a: (conv(a, kernel) ** 3).sum() / 100)(a) ** 2).sum() / 100

        for mine, plain in zip(*(jax.jit(jax.grad(penalty, (1, 2)), static_argnums=0)(conv, a, kernel) for conv in (ours, theirs))):
            np.testing.assert_allclose(mine, plain, rtol=1e-3, atol=1e-4 * float(jnp.abs(plain).max()))


@pytest.mark.parametrize("channels", [3, 5])
def test_convolutions_of_one_pixel_and_their_derivatives_are_products(channels):
    x, kernel = random(0, 2, 4, 4, channels), random(1, 7, channels)

    def penalty(conv, x, kernel):
        return (jax.grad(lambda x: (conv(x, kernel) ** 3).sum())(x) ** 2).sum()

    def product(x, kernel):
        return jnp.tensordot(x, kernel, ((3,), (1,)))

    np.testing.assert_allclose(convolutions.conv_1x1(x, kernel), product(x, kernel), atol=1e-5)
    for mine, plain in zip(
        *(jax.jit(jax.grad(penalty, (1, 2)), static_argnums=0)(conv, x, kernel) for conv in (convolutions.conv_1x1, product))
    ):
        np.testing.assert_allclose(mine, plain, rtol=1e-3, atol=1e-4 * float(jnp.abs(plain).max()))


@pytest.mark.parametrize("normalised", [False, True])
def test_activations_and_their_derivatives_are_those_of_their_definition(normalised):
    x, bias = random(0, 2, 3, 3, 6), random(1, 6)

    def plain(x, bias):
        y = jnp.where(x + bias.reshape(1, 1, 1, 6) > 0, 1.0, 0.2) * (x + bias.reshape(1, 1, 1, 6))
        return y / jnp.sqrt((y**2).mean(-1, keepdims=True) + 1e-8) if normalised else y

    ours = layers.normalised_leaky_relu_of if normalised else layers.leaky_relu_of
    np.testing.assert_allclose(ours(x, bias), plain(x, bias), atol=1e-6)

    def first(function, x, bias):
        return (function(x, bias) ** 3).sum()

    def second(function, x, bias):
        return sum((g**2).sum() for g in jax.grad(first, (1, 2))(function, x, bias))

    for order in (first, second):
        for mine, theirs in zip(*(jax.jit(jax.grad(order, (1, 2)), static_argnums=0)(one, x, bias) for one in (ours, plain))):
            np.testing.assert_allclose(mine, theirs, rtol=1e-3, atol=1e-4 * float(jnp.abs(theirs).max()))


def test_enlarge_and_reduce_agree_with_numpy():
    x = np.asarray(random(0, 2, 4, 4, 3))
    np.testing.assert_array_equal(layers.enlarge(jnp.asarray(x)), np.repeat(np.repeat(x, 2, 1), 2, 2))
    np.testing.assert_allclose(layers.reduce(layers.enlarge(jnp.asarray(x))), x, atol=1e-6)


def test_pixel_norm_leaves_a_mean_square_of_one():
    np.testing.assert_allclose((layers.pixel_norm(5 * random(0, 3, 64)) ** 2).mean(-1), 1, atol=1e-4)


def test_minibatch_stddev_by_hand():
    x = np.asarray(random(0, 8, 2, 2, 3))
    got = np.asarray(layers.minibatch_stddev(jnp.asarray(x)))
    for i in range(8):
        group = x[[j for j in range(8) if j % 2 == i % 2]]
        np.testing.assert_allclose(got[i, ..., 3], np.full((2, 2), group.std(axis=0).mean()), atol=1e-5)
    np.testing.assert_array_equal(got[..., :3], x)
    twice = np.asarray(layers.minibatch_stddev(jnp.asarray(np.concatenate([x, 3 * x])), batches=2))
    np.testing.assert_allclose(twice[:8], got, atol=1e-6)
    np.testing.assert_allclose(twice[8:, ..., 3], 3 * got[..., 3], rtol=1e-5)
    with pytest.raises(ValueError, match="6 images"):
        layers.minibatch_stddev(jnp.zeros((6, 2, 2, 3)))


def outputs(g, d, latents, reals, lod, *, resolution, fused, **sizes):
    """What our networks make of the reference's variables at a lod: images [n, 3, r, r] at the full resolution, and scores [n]."""
    latent_size = sizes.pop("latent_size")
    generator = pggan.Generator(resolution, latent_size, **sizes)
    discriminator = pggan.Discriminator(resolution, fused_scale=fused, **sizes)
    top = int(math.log2(resolution))
    level, alpha = top - math.floor(lod), jnp.float32(1 - lod % 1)
    g, d = reference.generator_params(g, resolution), reference.discriminator_params(d, resolution)
    images = apply(generator, {"params": g}, jnp.asarray(latents), level, alpha)
    smaller = layers.reduce(jnp.asarray(reals.transpose(0, 2, 3, 1)), 2 ** (top - level))
    scores, labels = apply(discriminator, {"params": d}, smaller, level, alpha)
    assert labels.shape == (len(reals), 0)
    return layers.enlarge(images, 2 ** (top - level)).transpose(0, 3, 1, 2), scores


@pytest.mark.parametrize("lod", [0, 0.3, 1, 1.6, 3])
@pytest.mark.parametrize("scaling", ["fused", "plain"])
def test_pggan_gives_the_outputs_of_the_reference(scaling, lod):
    """By way of `plain_pggan`, whose outputs the reference's own were held against."""
    sizes = published.SIZES | {"resolution": 32, "fused": scaling == "fused"}
    g, d = published.variables(**sizes)
    random = np.random.RandomState(5)
    latents, reals = (random.standard_normal(shape).astype(np.float32) for shape in ((8, 6), (8, 3, 32, 32)))
    images, scores = outputs(g, d, latents, reals, lod, **sizes)
    np.testing.assert_allclose(images, plain_pggan.generator(g, latents, lod, 5), atol=1e-4)
    np.testing.assert_allclose(scores, plain_pggan.discriminator(d, reals, lod, 5), atol=1e-4)


def count(tree) -> int:
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(tree))


# Parameters by hand from table 2 of the papers. PGGAN at 128 px: 512 channels to 32 px, then 256 and 128.
def _conv(a, b, k=3):
    return k * k * a * b + b


PGGAN_128 = {
    "generator": 512 * 16 * 512 + 512 + _conv(512, 512)
    + 3 * 2 * _conv(512, 512) + _conv(512, 256) + _conv(256, 256) + _conv(256, 128) + _conv(128, 128)
    + 4 * _conv(512, 3, 1) + _conv(256, 3, 1) + _conv(128, 3, 1),
    "discriminator": 4 * _conv(3, 512, 1) + _conv(3, 256, 1) + _conv(3, 128, 1)
    + _conv(128, 128) + _conv(128, 256) + _conv(256, 256) + _conv(256, 512) + 3 * 2 * _conv(512, 512)
    + _conv(513, 512) + 512 * 16 * 512 + 512 + 512 + 1,
}  # fmt: skip
DCGAN_64 = {
    "generator": 100 * 16 * 512 + 2 * 512 + 16 * (512 * 256 + 256 * 128 + 128 * 64 + 64 * 3) + 2 * (256 + 128 + 64),
    "discriminator": 16 * (3 * 64 + 64 * 128 + 128 * 256 + 256 * 512 + 512) + 2 * (128 + 256 + 512),
}


@pytest.mark.parametrize("player", ["generator", "discriminator"])
def test_parameter_counts_are_those_of_the_papers(player):
    inputs = {"generator": lambda size, r: jnp.zeros((4, size)), "discriminator": lambda size, r: jnp.zeros((4, r, r, 3))}[player]
    for module, size, resolution, expected in ((pggan, 512, 128, PGGAN_128), (dcgan, 100, 64, DCGAN_64)):
        network = getattr(module, player.capitalize())(resolution=resolution)
        variables = jax.eval_shape(lambda x: network.init(jax.random.key(0), x, level=int(math.log2(resolution)), alpha=ONE),
                                   inputs(size, resolution))  # fmt: skip
        assert count(variables["params"]) == expected[player]


@pytest.mark.parametrize("level", [2, 3, 4, 5])
def test_active_names_exactly_the_parameters_that_have_a_gradient(level):
    generator = pggan.Generator(resolution=32, latent_size=8, fmap_base=64, fmap_max=8)
    discriminator = pggan.Discriminator(resolution=32, fmap_base=64, fmap_max=8)
    g = init(generator, random(1, 4, 8), 5)["params"]
    d = init(discriminator, random(1, 4, 32, 32, 3), 5)["params"]

    def score(g, d):
        images = generator.apply({"params": g}, random(1, 4, 8), level=level, alpha=jnp.float32(0.5))
        return discriminator.apply({"params": d}, images, level=level, alpha=jnp.float32(0.5))[0].sum()

    for network, gradients in zip((generator, discriminator), jax.jit(jax.grad(score, (0, 1)))(g, d)):
        moved = {name for name, tree in gradients.items() if any(np.any(np.asarray(x) != 0) for x in jax.tree.leaves(tree))}
        assert moved == network.active(level)


@pytest.mark.parametrize("resolution", [32, 64, 128])
def test_dcgan_makes_and_judges_images_of_its_resolution(resolution):
    level = int(math.log2(resolution))
    generator, discriminator = dcgan.Generator(resolution, 8, width=2), dcgan.Discriminator(resolution, width=2)
    g = init(generator, random(1, 4, 8), level)
    images, moved = apply(generator, g, random(1, 4, 8), level, train=True, mutable=["batch_stats"])
    assert images.shape == (4, resolution, resolution, 3) and np.abs(images).max() <= 1
    assert any(np.any(a != b) for a, b in zip(jax.tree.leaves(g["batch_stats"]), jax.tree.leaves(moved["batch_stats"])))
    d = init(discriminator, images, level)
    assert apply(discriminator, d, images, level)[0].shape == (4,)


def test_batch_norm_is_flaxs_for_one_batch_and_for_each_of_two():
    import flax.linen as nn

    x = 3 * random(0, 8, 2, 2, 5) + 1
    ours, theirs = batch_norm.BatchNorm(None, jnp.float32), nn.BatchNorm(momentum=0.9, epsilon=1e-5, use_running_average=False)
    variables = ours.init(jax.random.key(1), x, True)
    stats = variables["batch_stats"]
    np.testing.assert_array_equal(stats["mean"], 0)  # initialising moves nothing
    expected = []
    for half in jnp.split(x, 2):
        y, moved = theirs.apply({"params": variables["params"], "batch_stats": stats}, half, mutable=["batch_stats"])
        stats = moved["batch_stats"]
        expected.append(y)
    y, moved = ours.apply(variables, x, True, 2, mutable=["batch_stats"])
    np.testing.assert_allclose(y, jnp.concatenate(expected), atol=1e-4)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4), moved["batch_stats"], stats)
    running = theirs.clone(use_running_average=True).apply({"params": variables["params"], "batch_stats": stats}, x)
    np.testing.assert_allclose(ours.apply({"params": variables["params"], "batch_stats": stats}, x, False), running, atol=1e-4)


@pytest.mark.parametrize("name", networks.NETWORKS)
def test_labels_stand_behind_the_latents_and_beside_the_score(name):
    model = default_config.get_config().model
    model.update(name=name, conditional=True, latent_size=6, fmap_base=64, fmap_max=8, width=2)
    generator, discriminator = networks.build(model, 16, jnp.float32)
    z = random(1, 4, 6)
    g = init(generator, jnp.zeros((4, 8)), 4)

    def images(label):
        return apply(generator, g, jnp.concatenate([z, jnp.tile(jnp.eye(2)[label][None], (4, 1))], 1), 4)

    assert np.abs(images(0) - images(1)).max() > 0.1 * np.abs(images(0)).max()
    d = init(discriminator, images(0), 4)
    scores, logits = apply(discriminator, d, images(0), 4)
    assert scores.shape == (4,) and logits.shape == (4, 2)


def test_what_processors_do_is_what_other_devices_do():
    """Batch norm batch by batch and at once, smoothing by products and by sums; and the derivatives of each."""
    x, g = random(0, 2 * 6, 5), random(1, 2 * 6, 5)
    mean, factor, bias = random(2, 2, 5), random(3, 2, 5), random(4, 5)
    images, seen = random(5, 2, 8, 4, 3), random(6, 2, 8, 4, 3)
    pairs = [
        (lambda x: batch_norm._moments_one_by_one(x, 2), lambda x: batch_norm._moments_at_once(x, 2), (x,), random(7, 2, 2, 5)),
        (batch_norm._normalised_one_by_one, batch_norm._normalised_at_once, (x, mean, factor, bias), g),
        (layers._smooth_by_products, layers._smooth_by_sums, (images,), seen),
    ]
    for one, other, inputs, gradient in pairs:
        (made, back), (expected, back_of_other) = jax.vjp(one, *inputs), jax.vjp(other, *inputs)
        np.testing.assert_allclose(made, expected, atol=1e-5)
        for mine, theirs in zip(back(gradient), back_of_other(gradient)):
            np.testing.assert_allclose(mine, theirs, atol=1e-5)


def test_smoothing_is_a_binomial_filter_and_its_own_transpose():
    x, y = (np.asarray(random(seed, 2, 6, 8, 3)) for seed in (1, 2))
    expected = ndimage.convolve(x, np.outer([1, 2, 1], [1, 2, 1])[None, :, :, None] / 16, mode="constant")
    np.testing.assert_allclose(layers.smooth(jnp.asarray(x)), expected, atol=1e-6)
    back = jax.vjp(layers.smooth, jnp.asarray(x))[1](jnp.asarray(y))[0]
    assert float(jnp.vdot(back, x)) == pytest.approx(float(np.vdot(expected, y)), rel=1e-4)


def test_what_is_enlarged_and_smoothed_is_interpolated():
    x = random(1, 2, 6, 8, 3)
    same = jnp.zeros((3, 3, 3, 3)).at[:, 1, 1].set(jnp.eye(3))  # a kernel that leaves everything as it is
    got = layers.smooth(layers.upscale_conv(x, same))
    expected = jax.image.resize(x, (2, 12, 16, 3), "bilinear")
    np.testing.assert_allclose(got[:, 1:-1, 1:-1], expected[:, 1:-1, 1:-1], atol=1e-6)


@pytest.mark.parametrize("fused", [True, False])
def test_smooth_networks_have_the_same_parameters_and_other_outputs(fused):
    sizes = dict(resolution=16, fmap_base=64, fmap_max=8)
    latents, images = random(1, 4, 8), random(2, 4, 16, 16, 3)
    for plain, smooth, inputs in (
        (pggan.Generator(latent_size=8, **sizes), pggan.Generator(latent_size=8, smooth=True, **sizes), latents),
        (pggan.Discriminator(fused_scale=fused, **sizes), pggan.Discriminator(fused_scale=fused, smooth=True, **sizes), images),
        (dcgan.Generator(16, 8, width=4), dcgan.Generator(16, 8, width=4, smooth=True), latents),
        (dcgan.Discriminator(16, width=4), dcgan.Discriminator(16, width=4, smooth=True), images),
    ):
        variables = init(plain, inputs, 4)
        a, b = (jax.tree.leaves(apply(network, variables, inputs, 4))[0] for network in (plain, smooth))
        assert a.shape == b.shape
        assert np.abs(a - b).max() > 0.01 * np.abs(a).max()


def with_strong_noise(variables):
    """A generator's variables, where all that has noise has learnt that it should be strong."""
    return jax.tree_util.tree_map_with_path(lambda path, x: x + 0.5 if "noise" in path[-1].key else x, variables)


@pytest.mark.parametrize(
    "network, sizes, strengths",
    [
        (pggan.Generator, dict(fmap_base=64, fmap_max=8), lambda params: [params["block_4"][f"noise_{place}"] for place in (0, 1)]),
        (dcgan.Generator, dict(width=4), lambda params: [params["noise_project"], params["noise_0"]]),
        (dcgan.Generator, dict(width=4, convolutions=2), lambda params: [params["noise_second_0"], params["noise_last"]]),
    ],
)
def test_noise_is_added_by_learnt_strengths_and_each_image_has_its_own(network, sizes, strengths):
    latents = jnp.broadcast_to(random(1, 1, 8), (4, 8))
    sizes |= dict(resolution=16, latent_size=8)
    plain, noisy = network(**sizes), network(noise=True, **sizes)
    variables = init(noisy, latents, 4)
    seeds = jnp.arange(4, dtype=jnp.uint32)

    def images(variables, latents=latents, **settings):
        return np.asarray(apply(noisy, variables, latents, 4, **settings))

    begun, without = (
        network.apply(variables, latents, level=4, alpha=ONE, **at) for network, at in ((noisy, {"seeds": seeds}), (plain, {}))
    )
    np.testing.assert_array_equal(begun, without)
    gradient = jax.jit(jax.grad(lambda v: (noisy.apply(v, latents, level=4, alpha=ONE, seeds=seeds) ** 2).sum()))(variables)
    assert all(np.abs(strength).max() > 0 for strength in strengths(gradient["params"]))

    variables = with_strong_noise(variables)
    own, same = images(variables, seeds=seeds), images(variables)
    assert np.abs(own[0] - own[1]).max() > 0.01 * np.abs(own).max()  # the same latents, other seeds
    np.testing.assert_allclose(own[1:3], images(variables, latents[1:3], seeds=seeds[1:3]), atol=1e-5)  # whatever else is in the batch
    np.testing.assert_allclose(same[0], same[1], atol=1e-5)
    np.testing.assert_allclose(same, images(variables, seeds=jnp.zeros(4, jnp.uint32)), atol=1e-5)


@pytest.mark.parametrize(
    "network, sizes",
    [
        (pggan.Generator, dict(fmap_base=64, fmap_max=8)),
        (dcgan.Generator, dict(width=4, convolutions=2)),
        (dcgan.Generator, dict(width=4)),
    ],
)
def test_noise_begins_at_a_size(network, sizes):
    latents = random(1, 2, 8)
    seeds = jnp.arange(2, dtype=jnp.uint32)

    def noise_from(side):
        """Names of what learns how strong noise is, and whether images change with the seeds where it has learnt to be strong."""
        made = network(resolution=16, latent_size=8, noise=True, noise_from=side, **sizes)
        variables = with_strong_noise(init(made, latents, 4))
        paths = ["/".join(part.key for part in path) for path, _ in jax.tree_util.tree_leaves_with_path(variables["params"])]
        a, b = (np.asarray(apply(made, variables, latents, 4, seeds=its)) for its in (seeds, seeds + 2))
        return {path for path in paths if "noise" in path}, bool(np.abs(a - b).max() > 0.01 * np.abs(a).max())

    at_16, at_8 = {
        pggan.Generator: ({"block_4/noise_0", "block_4/noise_1"}, {"block_3/noise_0", "block_3/noise_1"}),
        # With one convolution a size, nothing but the image has 16 pixels a side.
        dcgan.Generator: ({"noise_last"}, {"noise_0", "noise_second_0"}) if "convolutions" in sizes else (set(), {"noise_0"}),
    }[network]
    assert noise_from(32) == (set(), False)
    assert noise_from(16) == (at_16, bool(at_16))
    assert noise_from(8) == (at_16 | at_8, True)
    assert noise_from(4) == noise_from(0) and noise_from(0)[0] > at_16 | at_8


def test_coarse_layers_weigh_the_channels_of_fine_ones():
    fine, coarse = random(0, 2, 32, 32, 3), random(1, 2, 8, 8, 5)
    module = dcgan.Excitation(jnp.float32)
    variables = module.init(jax.random.key(2), fine, coarse)
    squeeze, excite = (np.asarray(variables["params"][name], np.float64) for name in ("squeeze", "excite"))
    expected = np.empty(fine.shape)
    for image in range(2):
        pooled = [np.asarray(coarse)[image, 2 * y : 2 * y + 2, 2 * x : 2 * x + 2].mean(axis=(0, 1)) for y in range(4) for x in range(4)]
        squeezed = sum(part @ kernel for part, kernel in zip(pooled, squeeze.reshape(16, 5, 3)))
        weights = 2 / (1 + np.exp(-np.where(squeezed > 0, squeezed, 0.2 * squeezed) @ excite))
        expected[image] = np.asarray(fine)[image] * weights
    np.testing.assert_allclose(module.apply(variables, fine, coarse), expected, rtol=1e-4, atol=1e-5)


def test_a_generator_is_excited_three_doublings_on_and_one_that_says_nothing_is_plain():
    latents = random(0, 4, 8)
    plain, excited = (dcgan.Generator(128, 8, width=1, excitation=on) for on in (False, True))
    variables = init(excited, latents, 7)
    kernels = {name: {key: x.shape for key, x in layer.items()} for name, layer in variables["params"].items() if "excite" in name}
    assert kernels == {  # 32 px by 4 px, 64 px by 8 px
        "excite_2": {"squeeze": (4, 4, 16, 2), "excite": (2, 2)},
        "excite_3": {"squeeze": (4, 4, 8, 1), "excite": (1, 1)},
    }

    def silent(path, x):
        return 0 * x if path[-1].key == "excite" else x

    image = apply(excited, variables, latents, 7)
    silenced = apply(excited, jax.tree_util.tree_map_with_path(silent, variables), latents, 7)
    without = apply(plain, variables, latents, 7)
    np.testing.assert_allclose(silenced, without, atol=1e-6)
    assert np.abs(image - without).max() > 0.01 * np.abs(without).max()
    config = default_config.get_config()
    config.model.update(latent_size=8, width=1)
    counted = [networks.work(config.model, 7)[0] for config.model.excitation in (False, True)]
    assert counted[1] - counted[0] == sum(math.prod(shape) for layer in kernels.values() for shape in layer.values())
    assert "excite" not in "".join(init(excited.clone(resolution=32), latents, 5)["params"])


def test_a_generator_of_two_convolutions_a_size_is_these_layers():
    """Enlarged and convolved with a stride, then convolved: at 8 px, at 16 px, and the last to colours."""
    latents = random(0, 2, 5)
    config = default_config.get_config()
    config.model.update(latent_size=5, width=4, smooth=True)
    counted = [networks.work(config.model, 4)[0] for config.model.convolutions in (1, 2)]
    generator = networks.build(config.model, 16, jnp.float32)[0]
    variables = init(generator, latents, 4)
    variables = jax.tree.map(lambda x: x + 0.1 * random(x.size, *x.shape) ** 2, variables)  # variances stay positive
    p, stats = (jax.tree.map(np.asarray, variables[name]) for name in ("params", "batch_stats"))

    def activated(x, name):
        norm, known = p[f"norm_{name}"], stats[f"norm_{name}"]
        return np.maximum((np.asarray(x) - known["mean"]) / np.sqrt(known["var"] + 1e-5) * norm["scale"] + norm["bias"], 0)

    def enlarged(x, name):
        shape = (2, 2 * x.shape[1], 2 * x.shape[2], p[name].shape[-1])
        (x,) = jax.linear_transpose(lambda x: plain_strided(x, p[name]), jnp.zeros(shape))(x)
        return ndimage.convolve(x, np.multiply.outer([1, 2, 1], [1, 2, 1])[None, :, :, None] / 16, mode="constant")

    x = activated(jnp.einsum("nl,lhwc->nhwc", latents, p["project"]), "project")
    x = activated(enlarged(x, "conv_0"), "0")
    x = activated(plain_conv(x, p["second_0"]), "second_0")
    x = activated(enlarged(x, "conv_last"), "last")
    expected = jnp.tanh(plain_conv(x, p["to_rgb"]))
    np.testing.assert_allclose(apply(generator, variables, latents, 4), expected, atol=1e-4)
    assert p["conv_last"].shape == (4, 4, 4, 2) and p["to_rgb"].shape == (3, 3, 3, 2)
    # Products an image: each pixel of 16 x 16 sees 4 of those half as wide, through half as many channels as one convolution has; the rest
    # are 3x3.
    assert counted[1] - counted[0] == 16**2 * 4 * (2 * 4 - 3 * 4) + 8**2 * 9 * 4 * 4 + 16**2 * 9 * 2 * 3


def test_a_second_convolution_up_to_a_size_leaves_the_layers_above_as_they_are():
    """At 16 pixels with the second one up to 8, the image is made as without any: of a layer that has one, in one step."""
    latents = random(0, 2, 8)
    config = default_config.get_config()
    config.model.update(latent_size=8, width=4)
    alone = networks.work(config.model, 4)[0]
    config.model.update(convolutions=2, convolutions_up_to=8)
    generator = networks.build(config.model, 16, jnp.float32)[0]
    variables = init(generator, latents, 4)
    p, stats = variables["params"], variables["batch_stats"]
    assert {"second_0", "norm_second_0"} <= p.keys() and not {"conv_last", "norm_last"} & p.keys()
    assert networks.work(config.model, 4)[0] - alone == 8**2 * 9 * 4 * 4
    _, seen = generator.apply(variables, latents, level=4, alpha=jnp.float32(1), capture_intermediates=True, mutable=["intermediates"])
    last = np.maximum(seen["intermediates"]["norm_second_0"]["__call__"][0], 0)
    assert last.shape == (2, 8, 8, 4) and stats["norm_second_0"]["mean"].shape == (4,)
    (expected,) = jax.linear_transpose(lambda x: plain_strided(x, p["to_rgb"]), jnp.zeros((2, 16, 16, 3)))(last)
    np.testing.assert_allclose(apply(generator, variables, latents, 4), jnp.tanh(expected), atol=1e-5)

    config.model.convolutions_up_to = 16
    everywhere = init(networks.build(config.model, 16, jnp.float32)[0], latents, 4)["params"]
    config.model.convolutions_up_to = 0
    assert everywhere.keys() == init(networks.build(config.model, 16, jnp.float32)[0], latents, 4)["params"].keys()


def test_a_smooth_discriminator_of_the_dcgan_is_these_layers():
    """Each convolution but that of the image takes what was smoothed."""
    images = random(0, 2, 16, 16, 3)
    config = default_config.get_config()
    config.model.update(width=4, smooth_discriminator=True)
    discriminator = networks.build(config.model, 16, jnp.float32)[1]
    variables = init(discriminator, images, 4)
    variables = jax.tree.map(lambda x: x + 0.1 * random(x.size, *x.shape) ** 2, variables)  # variances stay positive
    p, stats = (jax.tree.map(np.asarray, variables[name]) for name in ("params", "batch_stats"))

    x = plain_strided(images, p["conv_0"])
    x = ndimage.convolve(np.where(x > 0, x, 0.2 * x), np.multiply.outer([1, 2, 1], [1, 2, 1])[None, :, :, None] / 16, mode="constant")
    x = np.asarray(plain_strided(x, p["conv_1"]))
    x = (x - stats["norm_1"]["mean"]) / np.sqrt(stats["norm_1"]["var"] + 1e-5) * p["norm_1"]["scale"] + p["norm_1"]["bias"]
    expected = np.einsum("nhwc,hwc->n", np.where(x > 0, x, 0.2 * x), p["score"][..., 0])
    np.testing.assert_allclose(apply(discriminator, variables, images, 4)[0], expected, rtol=1e-3)


def test_local_contrast_is_what_is_fine_by_how_strong_it_is_around():
    images = np.array(random(0, 2, 16, 24, 3))
    images[:, :, :12] = 0.01 * images[:, :, :12] - 0.9  # half of it dark and even

    def mean(x, times):
        kernel = np.multiply.outer([1, 2, 1], [1, 2, 1])[None, :, :, None] / 16
        weight = np.ones_like(x)
        for _ in range(times):
            x, weight = (ndimage.convolve(y, kernel, mode="constant") for y in (x, weight))
        return x / weight

    fine = images - mean(images, 3)
    expected = fine / np.sqrt(mean((fine**2).mean(axis=-1, keepdims=True), 4) + 0.02**2)
    found = np.asarray(layers.local_contrast(jnp.asarray(images)))
    np.testing.assert_allclose(found, expected, atol=1e-4)
    # Light and strong it would be a hundred times as strong; here it is twice, since so faint a texture has begun to fade.
    dark, light = found[:, :, :8].std(), found[:, :, 16:].std()
    assert 1.5 < light / dark < 3
    np.testing.assert_allclose(layers.local_contrast(jnp.asarray(images) + 0.3), expected, atol=1e-4)
    assert not np.asarray(layers.local_contrast(jnp.full((1, 8, 8, 3), 0.7))).round(4).any()


def test_a_discriminator_of_the_dcgan_sees_local_contrast_beside_the_image():
    images = random(0, 2, 16, 16, 3)
    config = default_config.get_config()
    counted = {}
    for contrast in (False, True):
        config.model.update(width=4, local_contrast=contrast)
        discriminator = networks.build(config.model, 16, jnp.float32)[1]
        counted[contrast] = sum(map(math.prod, networks.layers(config.model, 4)[1]))
    p = init(discriminator, images, 4)["params"]
    first = plain_strided(np.concatenate([images, 0.5 * np.asarray(layers.local_contrast(images))], axis=-1), p["conv_0"])
    seen = discriminator.apply({**init(discriminator, images, 4)}, images, level=4, alpha=1.0, mutable=["features"])[1]["features"]
    np.testing.assert_allclose(seen["layer_0"][0], np.where(first > 0, first, 0.2 * first), rtol=1e-3, atol=1e-5)
    assert counted[True] - counted[False] == 8**2 * 16 * 3 * 4


def test_a_discriminator_of_the_progressive_gan_with_batch_norm_and_local_contrast_is_these_layers():
    """Statistics are taken between convolution and bias; the score comes straight from 4x4 pixels."""
    images, alpha = random(0, 3, 8, 8, 3), 0.3
    config = default_config.get_config()
    config.model.update(name="pggan", fmap_base=16, fmap_max=4, batch_norm=True, local_contrast=True)
    discriminator = networks.build(config.model, 8, jnp.float32)[1]
    variables = jax.tree.map(lambda x: x + 0.1 * random(x.size, *x.shape) ** 2, init(discriminator, images, 3))
    p, stats = (jax.tree.map(np.asarray, variables[name]) for name in ("params", "batch_stats"))
    assert {*p["block_2"]} == {"score"} and discriminator.group == 1
    larger = init(networks.build(config.model, 16, jnp.float32)[1], random(0, 1, 16, 16, 3), 4)["batch_stats"]
    assert {level: {*block} for level, block in larger.items()} == {"block_4": {"conv_down"}, "block_3": {"conv", "conv_down"}}

    def from_rgb(images, of):
        seen = np.concatenate([images, 0.5 * np.asarray(layers.local_contrast(images))], axis=-1)
        x = np.asarray(plain_conv(seen, of["kernel"] * np.sqrt(2 / 6))) + of["bias"]
        return np.where(x > 0, x, 0.2 * x)

    def convolved(x, of):
        return np.asarray(plain_conv(x, of["kernel"] * np.sqrt(2 / (9 * x.shape[-1]))))

    first, second, found = p["block_3"]["conv"], p["block_3"]["conv_down"], stats["block_3"]["conv_down"]["norm"]
    x = convolved(from_rgb(images, p["from_rgb_3"]), first) + first["bias"]
    x = np.asarray(layers.reduce(jnp.asarray(convolved(np.where(x > 0, x, 0.2 * x), second))))
    x = (x - found["mean"]) / np.sqrt(found["var"] + 1e-5) * second["norm"]["scale"] + second["bias"]
    x = np.where(x > 0, x, 0.2 * x)
    small = from_rgb(np.asarray(layers.reduce(images)), p["from_rgb_2"])
    x = (small + (x - small) * alpha).reshape(len(x), -1)
    expected = x @ p["block_2"]["score"]["kernel"][:, 0] / np.sqrt(x.shape[1]) + p["block_2"]["score"]["bias"][0]
    np.testing.assert_allclose(apply(discriminator, variables, images, 3, jnp.float32(alpha))[0], expected, rtol=1e-3, atol=1e-5)


def test_noise_is_normal_and_without_relation_between_layers():
    noise = pggan._noise(jnp.arange(200, dtype=jnp.uint32), 5)
    assert [noise[l][0].shape for l in (2, 5)] == [(200, 4, 4, 1), (200, 32, 32, 1)]
    first, second = (np.asarray(x).ravel() for x in noise[5])
    for x in (first, second):
        assert abs(x.mean()) < 0.01 and abs(x.std() - 1) < 0.01
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.01
    assert abs(np.corrcoef(first[:-1024], first[1024:])[0, 1]) < 0.01  # nor between images
