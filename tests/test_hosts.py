"""Two processes with two devices each are one machine with four."""

import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys

import jax
import numpy as np
import pytest
from survival import PATIENCE, ROOT, SETTINGS, Cluster, ended, wait
from xla_flags import FAST

from gan_jax.errors import UserError
from gan_jax.training import hosts

BATCH = SETTINGS["training.batch_size"]


def killed(process: subprocess.Popen) -> str:
    """What it said until now."""
    process.kill()
    return process.communicate()[1]


def by_script(training: Cluster, folder: pathlib.Path) -> subprocess.CompletedProcess:
    """A training by `launch/hosts.sh`: two processes of this machine, with two devices each."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "XLA_FLAGS": f"{FAST} --xla_force_host_platform_device_count=2",
        "JAX_PLATFORMS": "cpu",
        "PYTHON": sys.executable,
        "PORT": str(port),
        "TMPDIR": str(folder),
    }
    command = ["bash", str(ROOT / "launch" / "hosts.sh"), "localhost localhost", "train", f"--workdir={training.folder}"]
    return subprocess.run([*command, *training.arguments], capture_output=True, text=True, timeout=PATIENCE, env=environment)


@pytest.fixture(scope="module")
def first_step(tmp_path_factory):
    """Trainings of one step: by one process, and by two that the script started; with what it said."""
    one, two = (Cluster(tmp_path_factory.mktemp(name) / "study", BATCH / 1000) for name in ("one", "two"))
    one.prepare()
    shutil.copytree(one.folder, two.folder)
    one.alone()
    return one, two, by_script(two, two.folder.parent)


def test_a_script_starts_all_of_them(first_step):
    _, two, run = first_step
    assert run.returncode == 0, run.stderr
    assert "host 1: localhost" in run.stderr and "trained on" in run.stderr
    assert two.final()


def test_two_processes_find_the_gradients_of_one(first_step):
    one, two = (training.final() for training in first_step[:2])
    assert one.keys() == two.keys()
    gradients = [name for name in one if ".adam.mu" in name]  # after one step, a part of the gradient
    assert len(gradients) > 10 and all(np.abs(one[name]).max() > 0 for name in gradients)
    for name in gradients:
        np.testing.assert_allclose(two[name], one[name], atol=1e-6, err_msg=name)
    statistics = [name for name in one if ".stats" in name]
    assert statistics  # of batch norm, over all devices
    for name in statistics:
        np.testing.assert_allclose(two[name], one[name], rtol=1e-4, atol=1e-6, err_msg=name)


def test_the_loss_of_a_process_ends_the_other_and_all_go_on(tmp_path):
    training = Cluster(tmp_path / "study", 3.2)
    training.prepare()
    primary, other = training.start_all()
    assert wait(primary, lambda: len(training.steps()) >= 2), killed(primary)
    other.send_signal(signal.SIGKILL)
    other.communicate()
    said = primary.communicate(timeout=PATIENCE)[1]
    assert primary.returncode not in (0, None)
    assert re.search("gan_jax: this process can't go on, or another is gone|another task died", said), said
    reached = training.steps()[-1]
    assert 0 < reached < training.total
    # The primary alone is told to stop, and both do, at the same step.
    primary, other = training.start_all()
    assert wait(primary, lambda: training.steps()[-1] > reached), killed(primary)
    primary.send_signal(signal.SIGTERM)
    said = ended([primary, other])
    places = [re.search(r"stopped at ([\d.]+) of 3.2 kimg", text)[1] for text in said]
    assert places[0] == places[1]
    # What two began, one goes on with.
    training.alone()
    training.final()


@pytest.mark.parametrize(
    "given, message",
    [
        (("two", "", 0), "--hosts=two: a number, or auto"),
        (("2", "", 0), "--coordinator=ADDRESS:PORT"),
        (("2", "127.0.0.1:1", 2), "--host=0 to 1"),
        (("0", "", 0), "a number, or auto"),
    ],
)
def test_what_is_missing_is_named(given, message):
    with pytest.raises(UserError, match=re.escape(message)):
        hosts.join(*given)


def test_one_process_is_the_primary():
    hosts.join("1", "", 0)
    assert hosts.is_primary() and hosts.count() == 1
    assert hosts.agree(3, 0) == (3, 0)
    state = {"a": np.ones(3)}
    assert jax.tree.all(jax.tree.map(np.array_equal, hosts.of_primary(state), state))
