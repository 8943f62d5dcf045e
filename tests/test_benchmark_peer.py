"""The peer of the benchmark has our networks, takes turns with ours, and is refused in one line where it can't be had."""

import importlib.util

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from command import command
from test_schedule import config_file

from gan_jax import default_config
from gan_jax.benchmark import comparison
from gan_jax.errors import UserError
from gan_jax.models import networks
from gan_jax.training import loop, losses
from gan_jax.training.players import Networks
from gan_jax.training.state import init_state
from gan_jax.training.step import active_layers

TORCH = importlib.util.find_spec("torch") is not None


def phase_of(config, resolution):
    schedule = loop.make_schedule(config.training, config.model, config.collection.resolution)
    return next(phase for phase in schedule if phase.resolution == resolution)


def tiny(name, resolution=16, fused=True):
    config = default_config.get_config()
    config.collection.resolution = 16
    config.model.update(name=name, latent_size=8, width=4, fmap_base=64, fmap_max=8, fused_scale=fused)
    config.training.update(batch_size=16, total_kimg=3.0, first_resolution=4, stable_kimg=0.5, fade_kimg=0.5)
    if name == "pggan":
        config.training.update(loss="wgan-gp", fresh_latents=True, adam_b1=0.0)
    return config, phase_of(config, resolution)


def test_the_peers_dcgan_has_the_parameters_of_the_paper():
    config = config_file("dcgan").get_config()
    (generator, stats), (discriminator, _) = comparison.players(config, phase_of(config, 64))
    # Counted by hand from the paper's layers; so many have other programs' DCGANs at 64 px too.
    assert (
        sum(x.size for x in generator.values()) == 100 * 16 * 512 + 16 * (512 * 256 + 256 * 128 + 128 * 64 + 64 * 3) + 2 * 960 == 3_576_704
    )
    assert sum(x.size for x in discriminator.values()) == 2_765_568
    # In PyTorch's layout: of transposed convolutions [in, out, 4, 4], of others [out, in, 4, 4].
    assert generator["project"].shape == (100, 512, 4, 4) and generator["to_rgb"].shape == (64, 3, 4, 4)
    assert discriminator["conv_0"].shape == (64, 3, 4, 4) and discriminator["score"].shape == (1, 512, 4, 4)
    assert {name for name in stats if name.startswith("norm_0")} == {"norm_0/mean", "norm_0/var"}


@pytest.mark.parametrize("resolution", [4, 8, 16])
def test_the_peers_progressive_gan_has_the_layers_of_the_level(resolution):
    config, phase = tiny("pggan", resolution)
    made = comparison.players(config, phase)
    for network, (params, stats) in zip(networks.build(config.model, resolution, jnp.float32), made):
        assert not stats
        state = init_state(*networks.build(config.model, 16, jnp.float32), 4, 0)
        of_level = state.generator if hasattr(network, "latent_size") else state.discriminator
        names = active_layers(network, phase.level, of_level)
        leaves = jax.tree.leaves({name: of_level.params[name] for name in names})
        assert sum(x.size for x in params.values()) == sum(x.size for x in leaves)
        assert sorted(sorted(x.shape) for x in params.values() if x.ndim == 4) == sorted(sorted(x.shape) for x in leaves if x.ndim == 4)
    assert made[0][0]["block_2/conv/kernel"].shape == (8, 8, 3, 3) and made[1][0]["block_2/conv/kernel"].shape == (8, 9, 3, 3)


def test_dense_layers_over_an_image_are_reordered():
    kernel = np.arange(16 * 3 * 5).reshape(16 * 3, 5)
    (moved,) = comparison.laid_out({"dense": {"kernel": kernel}}).values()
    image = np.random.default_rng(0).integers(0, 9, (4, 4, 3))
    assert np.array_equal(moved @ image.transpose(2, 0, 1).ravel(), kernel.T @ image.ravel())


@pytest.mark.skipif(not TORCH, reason="PyTorch is not installed")
@pytest.mark.parametrize("name, resolution, fused", [("dcgan", 16, True), ("pggan", 4, True), ("pggan", 16, True), ("pggan", 16, False)])
def test_the_peers_networks_make_what_ours_make(name, resolution, fused):
    import torch

    from gan_jax.benchmark import pytorch

    config, phase = tiny(name, resolution, fused)
    state = init_state(*(both := networks.build(config.model, resolution, jnp.float32)), phase.level, config.seed)
    (g, g_stats), (d, d_stats) = (
        [{key: torch.tensor(x) for key, x in each.items()} for each in player] for player in comparison.players(config, phase)
    )
    rng = np.random.default_rng(0)
    latents, images = rng.standard_normal((8, 8), np.float32), rng.standard_normal((8, resolution, resolution, 3), np.float32)
    peer = pytorch.NETWORKS[name](config.model, phase.level)
    made = peer.generate(g, g_stats, torch.tensor(latents), 0.3).numpy().transpose(0, 2, 3, 1)
    scores = peer.discriminate(d, d_stats, torch.tensor(images.transpose(0, 3, 1, 2).copy()), 0.3).numpy()
    at = dict(level=phase.level, alpha=jnp.float32(0.3), train=True, mutable=["batch_stats"])
    ours, _ = both[0].apply(networks.variables(state.generator.params, state.generator.stats), latents, **at)
    (of_images, _), _ = both[1].apply(networks.variables(state.discriminator.params, state.discriminator.stats), images, **at)
    assert np.allclose(made, ours, atol=1e-5) and np.ptp(made) > 1e-3
    assert np.allclose(scores, of_images, atol=1e-5) and np.ptp(scores) > 1e-3


@pytest.mark.skipif(not TORCH, reason="PyTorch is not installed")
@pytest.mark.parametrize("name", comparison.KNOWN["training.loss"])
def test_the_peers_losses_are_ours(name):
    import torch

    from gan_jax.benchmark import pytorch

    real, fake = np.random.default_rng(0).standard_normal((2, 9), np.float32)
    of_discriminator, of_generator = pytorch.LOSSES[name]
    theirs = of_discriminator(torch.tensor(real), torch.tensor(fake))
    assert np.allclose(theirs, losses.LOSSES[name].discriminator(jnp.array(real), jnp.array(fake)), atol=1e-6)
    assert np.allclose(of_generator(torch.tensor(fake)), losses.LOSSES[name].generator(jnp.array(fake)), atol=1e-6)


@pytest.mark.skipif(not TORCH, reason="PyTorch is not installed")
def test_the_peers_penalty_is_ours():
    import torch

    from gan_jax.benchmark import pytorch

    config, phase = tiny("pggan")
    images = np.random.default_rng(0).standard_normal((16, 16, 16, 3), np.float32)
    made = comparison.players(config, phase)
    peer = pytorch.Step(config, phase, made, np.zeros((4, 3, 16, 16), np.uint8), narrow=False, compiled=False)
    placed = torch.tensor(images.transpose(0, 3, 1, 2).copy())
    both = networks.build(config.model, 16, jnp.float32)
    params = init_state(*both, 4, config.seed).discriminator.params
    gradients = Networks(*both, 4).input_gradients(params, {}, jnp.array(images), jnp.float32(0.5))
    # Between an image and itself there is no chance.
    assert np.allclose(peer.penalty(placed, placed).detach(), losses.gradient_penalty(gradients), rtol=1e-4)


@pytest.mark.skipif(not TORCH, reason="PyTorch is not installed")
@pytest.mark.parametrize("name", comparison.KNOWN["model.name"])
def test_a_step_of_the_peer_moves_both_players_and_the_average(name):
    from gan_jax.benchmark import pytorch

    config, phase = tiny(name)
    config.training.ema_decay = 0.9
    made = comparison.players(config, phase)
    images = np.random.default_rng(0).integers(0, 256, (20, 3, 16, 16), np.uint8)
    peer = pytorch.Step(config, phase, made, images, narrow=False, compiled=False)
    peer.step()
    for (before, _), after in zip(made, (peer.generator, peer.discriminator)):
        for key, value in before.items():
            moved = after[key].detach().numpy() - value
            # Adam's first step is as long as its rate, whatever the gradient, where there is one.
            assert 0 < np.abs(moved).max() <= 1.01 * phase.learning_rate, key
    for (key, value), average in zip(made[0][0].items(), peer.average):
        assert np.allclose(average, value + 0.1 * (peer.generator[key].detach().numpy() - value), atol=1e-6)


@pytest.mark.skipif(not TORCH, reason="PyTorch is not installed")
@pytest.mark.parametrize("name", comparison.KNOWN["model.name"])
def test_the_peer_is_measured_beside_ours(name):
    config, phase = tiny(name)
    config.benchmark.update(windows=2, seconds=0.01)
    found = comparison.compare(config, phase, jnp.dtype(jnp.float32), compiled=False)
    made = comparison.players(config, phase)
    assert found["parameters"] == [sum(x.size for x in params.values()) for params, _ in made]
    assert found["ratio_least"] <= found["ratio"] <= found["ratio_greatest"]
    assert found["said"].startswith("  16 px, batch 16: PyTorch ")


def test_windows_take_turns_and_their_ratio_is_that_of_neighbours():
    runs = []

    def run(name, *seconds):
        left = [*seconds]

        def steps(count):
            runs.append((name, count))
            return left.pop(0)

        return steps

    # A machine that gets twice as slow in the last two windows: each speed scatters, the ratio does not.
    ours, peer = run("ours", 9.0, 0.1, 0.1, 0.1, 0.1, 0.1, 0.2), run("peer", 9.0, 0.4, 0.4, 0.25, 0.4, 0.4, 0.8)
    found = comparison.in_turn(ours, peer, seconds=1.0, windows=3)
    warmed_up = [(name, count) for name in ("ours", "peer") for count in (1, 1, 1, 3)]
    assert runs == warmed_up + 3 * [("ours", 10), ("peer", 4)]
    assert (found["ratio"], found["ratio_least"], found["ratio_greatest"]) == pytest.approx((4, 4, 4))
    assert (found["ours"].median, found["peer"].median) == (0.1, 0.4)
    assert found["spread"] == pytest.approx(0.5) and found["peer_spread"] == pytest.approx(0.5)


def test_without_pytorch_there_is_one_line(monkeypatch, tmp_path):
    there = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == "torch" else there(name, *more))
    done = command("benchmark", "--peer", "--config=configs/dcgan.py", f"--workdir={tmp_path}")
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr == "gan_jax: --peer: needs PyTorch, which is not installed here; `python -m pip install torch` brings it\n"


def test_other_networks_than_the_papers_and_several_devices_are_refused(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    config, _ = tiny("dcgan")
    comparison.check(config, 1)
    with pytest.raises(UserError, match="--peer: measures one device, there are 4"):
        comparison.check(config, 4)
    config.training.loss = "another"
    with pytest.raises(UserError, match="--peer: config.training.loss='another': the peer has 'wgan-gp' and 'non-saturating' and 'hinge'"):
        comparison.check(config, 1)
    config.training.loss = "hinge"
    config.model.year = True
    with pytest.raises(UserError, match="--peer: config.model.year=True: the peer is the papers' alone"):
        comparison.check(config, 1)


@pytest.mark.skipif(not TORCH, reason="PyTorch is not installed")
def test_the_peer_has_what_it_is_said_to_have():
    from gan_jax.benchmark import pytorch

    assert {"model.name": tuple(pytorch.NETWORKS), "training.loss": tuple(pytorch.LOSSES)} == comparison.KNOWN


def test_compiling_is_of_the_peer():
    done = command("benchmark", "--compile", "--config=configs/dcgan.py")
    assert done.returncode == 2 and done.stderr == "gan_jax: --compile: is of the peer; --peer is needed beside it\n"
