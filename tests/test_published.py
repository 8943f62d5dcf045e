"""The authors' pretrained networks open, and files that only look like them do nothing."""

import pickle
import struct
import time

import jax
import jax.numpy as jnp
import numpy as np
import published
import pytest

from gan_jax.errors import UserError
from gan_jax.generators import open_generator
from gan_jax.models import pggan, reference
from gan_jax.models.pickles import read_networks
from gan_jax.models.reference import read_published
from gan_jax.training.state import init_state
from gan_jax.training.trained import init_from


def write(tmp_path, content: bytes):
    path = tmp_path / "network.pkl"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("label_size, fused", [(0, True), (2, False)])
def test_a_published_file_opens_with_its_averaged_generator(tmp_path, protocol, label_size, fused):
    sizes = published.SIZES | {"label_size": label_size, "fused": fused}
    path = write(tmp_path, published.file(protocol=protocol, label_size=label_size, fused=fused))
    found = read_published(path)
    gs, d = published.variables(**sizes | {"seed": 1})[0], published.variables(**sizes)[1]
    assert (found.level, found.alpha) == (4, 1)
    jax.tree.map(np.testing.assert_array_equal, found.generator_params, reference.generator_params(gs, 16))
    jax.tree.map(np.testing.assert_array_equal, found.discriminator_params, reference.discriminator_params(d, 16))
    assert (found.generator.latent_size, found.generator.label_size, found.discriminator.fused_scale) == (6, label_size, fused)

    generator = open_generator(path)
    assert (generator.latent_size, generator.label_size, generator.resolution) == (6 + label_size, label_size, 16)
    latents = generator.draw(jax.random.key(0), 3)
    expected = pggan.Generator(16, 6, label_size, 64, 8).apply({"params": found.generator_params}, latents, level=4, alpha=jnp.float32(1))
    np.testing.assert_allclose(generator(latents), expected, atol=1e-6)


def test_a_network_that_was_still_growing_opens_where_it_was(tmp_path):
    def growing(states):
        for state in states:
            state["variables"][0] = ("lod", np.float32(1.25))

    found = read_published(write(tmp_path, published.file(change=growing)))
    assert (found.level, found.alpha) == (3, 0.75)
    assert open_generator(tmp_path / "network.pkl").resolution == 8


def test_a_training_starts_from_a_published_file(tmp_path, capfd):
    path = write(tmp_path, published.file())
    networks = pggan.Generator(8, 6, fmap_base=64, fmap_max=8), pggan.Discriminator(8, fmap_base=64, fmap_max=8)
    state = init_from(str(path), init_state(*networks, 3, 0))  # its levels up to 8 px
    found = read_published(path)
    for name, tree in state.ema_params.items():
        jax.tree.map(np.testing.assert_array_equal, tree, found.generator_params[name])
    for name, tree in state.discriminator.params.items():
        jax.tree.map(np.testing.assert_array_equal, tree, found.discriminator_params[name])
    larger = pggan.Generator(32, 6, fmap_base=64, fmap_max=8), pggan.Discriminator(32, fmap_base=64, fmap_max=8)
    assert not capfd.readouterr().err
    init_from(str(path), init_state(*larger, 5, 0))
    assert "generator/block_5/conv (missing there, 4x3x3x4 here)" in capfd.readouterr().err


class Calls:
    """Pickles as a call of a function."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def with_value(value):
    def change(states):
        states[0]["static_kwargs"]["hidden"] = value

    return change


@pytest.mark.parametrize("where", [exec, print, pickle.loads, getattr, __import__])
def test_what_would_run_is_refused_by_its_name(tmp_path, capsys, where):
    path = write(tmp_path, published.file(change=with_value(Calls(where, "print('it ran')"))))
    with pytest.raises(UserError, match=f"asks for [a-z_]+.{where.__name__}, which is not data; refused"):
        read_published(path)
    assert "ran" not in capsys.readouterr().out


def test_arrays_of_objects_are_refused(tmp_path):
    with pytest.raises(UserError, match="not a pickle of the authors' networks"):
        read_published(write(tmp_path, published.file(change=with_value(np.array([object.__name__, 1], object)))))


HUGE = {
    # A table as long as this number would not fit into any memory.
    "memo": b"\x80\x04]r" + struct.pack("<I", 2**32 - 1) + b".",
    # Bytes that the file doesn't have.
    "bytes": b"\x80\x04\x8e" + struct.pack("<Q", 2**60) + b"x.",
    "text": b"\x80\x04\x8d" + struct.pack("<Q", 2**60) + b"x.",
    "frame": b"\x80\x04\x95" + struct.pack("<Q", 2**60) + b".",
    "bytearray": b"\x80\x05\x96" + struct.pack("<Q", 2**34) + b"x.",
    # An array whose shape its bytes don't fill.
    "array": b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01M\xff\xffM\xff\xff\x86"
    b"cnumpy\ndtype\nU\x02f4K\x00K\x01\x87R\x89U\x04abcdtb.",
}


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def many_copies() -> bytes:
    """One long text, encoded again and again."""
    again = b"c_codecs\nencode\nh\x00" + text("latin1") + b"\x86R"
    return b"\x80\x02(" + text("x" * 10**5) + b"q\x00" + again * 2000 + b"t."


# Things that grow, or take long, by being hashed or printed: a tuple of the same tuple twice, of the same tuple twice, ...
COSTLY = HUGE | {
    "deep key": b"\x80\x04})" + b"\x85" * 300_000 + b"K\x01s.",
    "dup": b"\x80\x04})" + b"2\x86" * 60 + b"K\x01s.",
    "set": b"\x80\x04\x8f()" + b"2\x86" * 60 + b"\x90.",
    "type": b"\x80\x04cnumpy\ndtype\n)" + b"2\x86" * 60 + b"\x85R.",
    "order": b"\x80\x04cnumpy\ndtype\n" + text("f4") + b"\x85R(K\x03)" + b"2\x86" * 60 + b"tb.",
    "numbers as keys": b"\x80\x04}(" + b"".join(b"\x8a\x0a" + (k << 61).to_bytes(10, "little") + b"N" for k in range(20_000)) + b"u.",
    "copies": many_copies(),
}


@pytest.mark.parametrize("content", COSTLY.values(), ids=COSTLY)
def test_what_would_cost_much_is_one_line_and_little_time_and_memory(tmp_path, content):
    import resource

    before, begin = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    with pytest.raises(UserError, match="network.pkl: not "):
        read_published(write(tmp_path, content))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KiB
    assert time.process_time() - begin < 5  # of this process alone


def test_settings_that_are_large_when_printed_are_not(tmp_path):
    nested = [1]
    for _ in range(60):
        nested = [nested, nested]
    for change in (setting("use_wscale", nested), replaced("version", nested), setting("resolution", nested)):
        with pytest.raises(UserError, match="of type list"):
            read_published(write(tmp_path, published.file(change=change)))
    deep = published.file(change=setting("use_wscale", "@@")).replace(b"\x8c\x02@@", b"]" * 3000 + b"a" * 2999)
    with pytest.raises(UserError, match="network.pkl: not a pickle|use_wscale=of type list"):
        read_published(write(tmp_path, deep))


def test_names_are_refused_on_one_line(tmp_path):
    for module in ("os\nTraceback\x1b[2J", "o" * 10**5):
        with pytest.raises(UserError, match="which is not data") as caught:
            read_published(write(tmp_path, b"\x80\x04" + text(module) + text("system") + b"\x93."))
        message = str(caught.value)
        assert message.isprintable() and len(message) < 500


def test_a_file_changes_nothing_for_the_next_one(tmp_path):
    poison = b"\x80\x04c_codecs\nencode\nN}" + text("__defaults__") + text("evil") + text("latin1") + b"\x86s\x86b."
    with pytest.raises(UserError, match="only networks, arrays and their types are built"):
        read_published(write(tmp_path, poison))
    test_a_published_file_opens_with_its_averaged_generator(tmp_path, 2, 0, True)


@pytest.mark.parametrize(
    "content", [b"", b"not a pickle", published.file()[:-200], pickle.dumps((1, 2, 3)), pickle.dumps([{}] * 3), b"\x80\x04}(K\x01u."]
)
def test_other_files_are_one_line(tmp_path, content):
    with pytest.raises(UserError, match="network.pkl: not "):
        read_published(write(tmp_path, content))


def setting(name, value, index=2):
    def change(states):
        states[index]["static_kwargs"][name] = value

    return change


def replaced(key, value):
    def change(states):
        for state in states:
            state[key] = value

    return change


def variable(name, value):
    def change(states):
        states[2]["variables"] = [(there, value if there == name else old) for there, old in states[2]["variables"]]

    return change


def without(name):
    def change(states):
        states[2]["variables"] = [pair for pair in states[2]["variables"] if pair[0] != name]

    return change


@pytest.mark.parametrize(
    "change, message",
    [
        (setting("use_pixelnorm", False), "G_paper has use_pixelnorm=False; only True"),
        (setting("mbstd_group_size", 16, index=1), "D_paper has mbstd_group_size=16; only 4"),
        (setting("num_channels", 1), "num_channels=1"),
        (setting("resolution", 48), "not networks of the paper"),
        (setting("resolution", 2**40), "not networks of the paper"),
        (setting("fmap_max", 16), "block_2/bias is .* networks of these settings have"),
        (setting("fmap_base", "many"), "not networks of the paper"),
        (setting("fmap_base", float("inf")), "not networks of the paper"),
        (setting("fmap_max", 10**30), "not networks of the paper"),
        (setting("label_size", -3), "not networks of the paper"),
        (setting("use_wscale", np.ones(3)), "G_paper has use_wscale="),
        (setting("use_wscale", []), "G_paper has use_wscale="),
        (setting("resolution", np.ones(3)), "not networks of the paper"),
        (variable("lod", np.float32("nan")), "lod nan is not a level"),
        (variable("lod", np.ones(2)), "not networks of the paper"),
        (variable("lod", np.float32(-1)), "lod -1 is not a level"),
        (variable("4x4/Dense/weight", np.ones(())), "not networks of the paper"),
        (variable("16x16/Conv1/weight", np.ones((3, 3))), "not networks of the paper"),
        (variable("16x16/Conv1/bias", np.ones((0, 5))), "block_4/conv/bias is"),
        (replaced("build_func_name", "G_mine"), "networks G_mine and G_mine"),
        (replaced("version", 3), "version 3"),
        (without("16x16/Conv1/weight"), "has no variable 16x16/Conv1/weight"),
        (replaced("variables", [("a", [1, 2])]), "variables are names with arrays"),
        (replaced("variables", ["ab"]), "variables are names with arrays"),
        (replaced("build_func_name", "x" * 10**5), "networks x{100} and"),
        (setting("fmap_max", "8"), "fmap_max=8"),
        (setting("fused_scale", 1, index=1), "fused_scale=1"),
        (setting("use_wscale", 10**5000), "the instruction LONG4"),
        (setting("use_wscale", "a\nb\x1b[31m"), r"use_wscale=a\\nb\\x1b"),
    ],
)
def test_other_networks_are_refused_by_what_differs(tmp_path, change, message):
    with pytest.raises(UserError, match=message):
        read_published(write(tmp_path, published.file(change=change)))


def test_files_with_bytes_changed_at_random_open_or_are_one_line(tmp_path):
    random = np.random.RandomState(0)
    whole = published.file(resolution=4, fmap_base=8, fmap_max=2, latent_size=2)
    opened = 0
    for _ in range(400):
        content = bytearray(whole)
        place, kind = random.randint(len(content)), random.randint(3)
        if kind == 0:
            content[place] = random.randint(256)
        elif kind == 1:
            del content[place : place + random.randint(1, 9)]
        else:
            content[place:place] = random.bytes(random.randint(1, 9))
        try:
            read_networks(write(tmp_path, bytes(content)))
            opened += 1
        except UserError as error:
            assert "\n" not in str(error)
    assert 0 < opened < 200
