"""Breaks a training on purpose, over and over, and looks at what was lost.

    python tests/survival.py --faults=100
    python tests/survival.py --cluster --faults=10

A tiny training is started, broken in a way and at a moment drawn by chance, and started again, until it reaches its end; then its last
checkpoint is compared, bit by bit, with that of a run that nobody broke. With --cluster it is one by two processes, of which one or both
are killed. `test_survival.py` runs a few rounds of it.
"""

import argparse
import collections
import dataclasses
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import jax
import numpy as np

ROOT = pathlib.Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from command import command  # noqa: E402
from xla_flags import FAST  # noqa: E402

from gan_jax import demo_config  # noqa: E402
from gan_jax.training.checkpoints import Checkpoints  # noqa: E402
from gan_jax.training.trained import state_like  # noqa: E402

BATCH, EVERY = 16, 160  # images a step, and from one checkpoint to the next
SETTINGS = {
    "collection.resolution": 16, "collection.min_paintings": 8, "collection.painter.paintings": 48, "model.latent_size": 8,
    "model.width": 4,
    "training.augment": "adaptive", "training.augment_target": -1.0, "training.batch_size": BATCH, "training.log_every_kimg": 0.08,
    "training.sample_every_kimg": 0.8, "training.checkpoint_every_kimg": EVERY / 1000, "training.watch_images": 16,
}  # fmt: skip
# No file may be larger than 20,000 bytes, less than a checkpoint needs: a disk that gets full.
FULL_DISK = """
import resource, runpy
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
runpy.run_module("gan_jax", run_name="__main__", alter_sys=True)
"""


@dataclasses.dataclass
class Outcome:
    """One fault: what it was, where training stood before it and where it went on."""

    fault: str
    reached: int  # images seen by the newest line of the log when the process was gone
    resumed: int  # images seen by the checkpoint from which the next start went on
    said: str


class Patient:
    """A training in a folder, run as a process of its own."""

    def __init__(self, folder: pathlib.Path, total_kimg: float, **training: float):
        """`training`: what else its section of the config says."""
        self.folder, self.total = folder, int(total_kimg * 1000)
        settings = {**SETTINGS, "training.total_kimg": total_kimg, **{f"training.{name}": value for name, value in training.items()}}
        self.arguments = [f"--config.{name}={value}" for name, value in settings.items()]

    def start(self, verb: str = "train", full_disk: bool = False) -> subprocess.Popen:
        environment = {**os.environ, "XLA_FLAGS": FAST, "JAX_PLATFORMS": "cpu"}
        program = ["-c", FULL_DISK] if full_disk else ["-m", "gan_jax"]
        return subprocess.Popen(
            [sys.executable, *program, verb, f"--workdir={self.folder}", *self.arguments],
            cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def prepare(self) -> None:
        done = command("prepare", f"--workdir={self.folder}", *self.arguments)
        assert done.returncode == 0, done.stderr

    def run(self, verb: str = "train") -> str:
        """To the end; what was said on stderr."""
        process = self.start(verb)
        said = process.communicate()[1]
        assert process.returncode == 0, said
        return said

    def logged(self) -> int:
        """Images seen by the newest whole line of the log."""
        path = self.folder / "log" / "metrics.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return max((json.loads(line)["images"] for line in lines if line.endswith("}")), default=0)

    def steps(self) -> list[int]:
        """Checkpoints that are complete by their names."""
        folder = self.folder / "checkpoints"
        names = [path.name.removeprefix("images_") for path in folder.iterdir()] if folder.is_dir() else []
        return sorted(int(name) for name in names if name.isdigit())

    def saving(self) -> bool:
        folder = self.folder / "checkpoints"
        return folder.is_dir() and any("tmp" in path.name for path in folder.iterdir())

    def final(self) -> dict[str, np.ndarray]:
        """The arrays of the last checkpoint."""
        config = demo_config.get_config()
        config.model.update(latent_size=SETTINGS["model.latent_size"], width=SETTINGS["model.width"])
        config.collection.resolution = SETTINGS["collection.resolution"]
        with Checkpoints(self.folder / "checkpoints") as checkpoints:
            assert checkpoints.latest() == self.total, checkpoints.latest()
            state = checkpoints.restore(self.total, state_like(config, checkpoints.about(self.total)))
        return {jax.tree_util.keystr(path): np.asarray(leaf) for path, leaf in jax.tree_util.tree_leaves_with_path(state)}


PATIENCE = 600.0  # seconds: so that nothing hangs; machines that are busy with other things are slow


def wait(process: subprocess.Popen, condition, seconds: float = PATIENCE) -> bool:
    """Whether the condition came true while the process ran."""
    end = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.002)
    return False


class Cluster(Patient):
    """A training by two processes, each with half of the devices."""

    def start_all(self) -> list[subprocess.Popen]:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{free.getsockname()[1]}"
        return [self.process(["--hosts=2", f"--coordinator={address}", f"--host={i}"]) for i in range(2)]

    def alone(self) -> None:
        """Trains to the end in this process, which has all four devices."""
        done = command("train", f"--workdir={self.folder}", *self.arguments)
        assert done.returncode == 0, done.stderr

    def process(self, more: list[str]) -> subprocess.Popen:
        flags = f"{FAST} --xla_force_host_platform_device_count=2"
        return subprocess.Popen(
            [sys.executable, "-m", "gan_jax", "train", f"--workdir={self.folder}", *self.arguments, *more],
            cwd=ROOT, env={**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"},
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip


def ended(processes: list[subprocess.Popen]) -> list[str]:
    """What each said, when all have ended well."""
    said = [process.communicate(timeout=PATIENCE)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes), said
    return said


def kill_in_a_cluster(cluster: Cluster, chance: random.Random) -> str:
    """Kills one of the processes, or both, at a moment; one that is left ends by itself. Returns what the primary said."""
    processes, goal = cluster.start_all(), cluster.logged() + chance.randrange(0, 3 * EVERY)
    wait(processes[0], lambda: cluster.logged() >= goal)
    time.sleep(chance.random() * 0.05)
    for process in chance.choice((processes, processes[:1], processes[1:])):
        process.kill()
    return [process.communicate(timeout=PATIENCE)[1] for process in processes][0]


def survive_as_a_cluster(folder: pathlib.Path, kills: int, seed: int, say=lambda text: None) -> list[Outcome]:
    """Kills a training by two processes so many times, and checks that it ends in the bits of one that nobody killed."""
    chance, outcomes = random.Random(seed), []
    whole, broken = (Cluster(folder / name, kills * EVERY * 2 / 1000) for name in ("whole", "broken"))
    for cluster in (whole, broken):
        cluster.prepare()
    ended(whole.start_all())
    for _ in range(kills):
        said = kill_in_a_cluster(broken, chance)
        outcomes.append(Outcome("kill_in_a_cluster", broken.logged(), max(broken.steps(), default=0), said))
        say(f"{len(outcomes):4} reached {outcomes[-1].reached:5}, whole up to {outcomes[-1].resumed:5}")
    ended(broken.start_all())
    expected, found = whole.final(), broken.final()
    assert found.keys() == expected.keys()
    for name in expected:
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)
    return outcomes


def kill_at_a_moment(patient: Patient, chance: random.Random) -> str:
    process, goal = patient.start(), patient.logged() + chance.randrange(0, 3 * EVERY)
    wait(process, lambda: patient.logged() >= goal)
    time.sleep(chance.random() * 0.05)
    process.kill()
    return process.communicate()[1]


def kill_in_a_save(patient: Patient, chance: random.Random) -> str:
    process, goal = patient.start(), patient.logged() + chance.randrange(0, 2 * EVERY)
    wait(process, lambda: patient.saving() and patient.logged() >= goal)
    time.sleep(chance.random() * 0.02)
    process.kill()
    return process.communicate()[1]


def kill_at_the_start(patient: Patient, chance: random.Random) -> str:
    process = patient.start()
    time.sleep(chance.random() * 6)
    process.kill()
    return process.communicate()[1]


def _signalled(patient: Patient, chance: random.Random, number: int, code: int) -> str:
    process, goal = patient.start(), patient.logged() + chance.randrange(1, 2 * EVERY)
    if wait(process, lambda: patient.logged() >= goal):
        time.sleep(chance.random())  # lines of the log come with checkpoints; somewhere between two of them
        process.send_signal(number)
    said = process.communicate()[1]
    newest, stopped = patient.steps()[-1], re.search(r"gan_jax: stopped at ([\d.]+) of", said)
    # What has trained to its end may be met while it goes.
    assert process.returncode in ((0, code, -number) if newest == patient.total else (0, code)), said
    assert newest >= patient.logged(), said  # where it stopped it has saved
    assert f"{newest / 1000:.1f}" == stopped[1] if stopped else newest == patient.total, f"{newest}: {said}"
    return said


def terminate(patient: Patient, chance: random.Random) -> str:
    return _signalled(patient, chance, signal.SIGTERM, 0)


def interrupt(patient: Patient, chance: random.Random) -> str:
    return _signalled(patient, chance, signal.SIGINT, 130)


def _damage(patient: Patient, chance: random.Random, how) -> str:
    """Trains a little, and damages a file of the newest checkpoint."""
    kill_at_a_moment(patient, chance)
    if len(patient.steps()) > 1:
        newest = patient.folder / "checkpoints" / f"images_{patient.steps()[-1]}"
        how(chance.choice(sorted(path for path in newest.rglob("*") if path.is_file() and path.stat().st_size)))
    return ""


def truncate(patient: Patient, chance: random.Random) -> str:
    return _damage(patient, chance, lambda path: os.truncate(path, chance.randrange(path.stat().st_size)))


def remove(patient: Patient, chance: random.Random) -> str:
    return _damage(patient, chance, lambda path: path.unlink())


def flip(patient: Patient, chance: random.Random) -> str:
    def flipped(path: pathlib.Path) -> None:
        content = bytearray(path.read_bytes())
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        path.write_bytes(content)

    return _damage(patient, chance, flipped)


def fill_the_disk(patient: Patient, chance: random.Random) -> str:
    before = patient.steps()
    process = patient.start(full_disk=True)
    said = process.communicate()[1]
    ended = patient.steps() and patient.steps()[-1] == patient.total
    assert ended or process.returncode == 2, said
    assert not before or patient.steps(), f"{before} became {patient.steps()}"
    if not ended:
        last = [line for line in said.splitlines() if line.startswith("gan_jax:")][-1]
        assert "Traceback" not in said and "too large" in last.lower(), said
    return said


FAULTS = (
    kill_at_a_moment, kill_in_a_save, kill_at_the_start, terminate, interrupt, truncate, remove, flip, fill_the_disk,
)  # fmt: skip


def survive(folder: pathlib.Path, faults, seed: int, say=lambda text: None) -> list[Outcome]:
    """Breaks trainings by each of `faults` in turn, a new one as often as one is at its end, and checks that nothing else is lost than the
    images since the last whole checkpoint, and that the end is that of an unbroken run. Returns what happened."""
    chance, outcomes, faults = random.Random(seed), [], list(faults)
    total = EVERY * 8 / 1000
    whole = Patient(folder / "whole", total)
    whole.prepare()
    whole.run()
    expected = whole.final()
    round_ = 0
    while faults:
        patient = Patient(folder / f"broken_{round_}", total)
        patient.folder.mkdir()
        shutil.copytree(whole.folder / "collection", patient.folder / "collection")
        shutil.copy(whole.folder / "config.json", patient.folder / "config.json")
        record = json.loads((patient.folder / "config.json").read_text())
        record["stages"].pop("train", None)
        (patient.folder / "config.json").write_text(json.dumps(record))
        while faults and (not patient.steps() or patient.steps()[-1] < patient.total):
            fault = faults.pop(0)
            said = fault(patient, chance)
            outcomes.append(Outcome(fault.__name__, patient.logged(), max(patient.steps(), default=0), said))
            say(f"{len(outcomes):4} {fault.__name__:<18} reached {outcomes[-1].reached:5}, whole up to {outcomes[-1].resumed:5}")
        said = patient.run()
        found = patient.final()
        assert found.keys() == expected.keys()
        for name in expected:
            np.testing.assert_array_equal(found[name], expected[name], err_msg=f"{name} after {[one.fault for one in outcomes]}")
        assert "Traceback" not in said
        shutil.rmtree(patient.folder)
        round_ += 1
    return outcomes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--faults", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cluster", action="store_true", help="two processes that train as one")
    given = parser.parse_args()
    if given.cluster:
        with tempfile.TemporaryDirectory() as folder:
            survive_as_a_cluster(pathlib.Path(folder), given.faults, given.seed, lambda text: print(text, flush=True))
        print("the training ended in the same bits as the unbroken one")
        return
    with tempfile.TemporaryDirectory() as folder:
        wanted = [FAULTS[i % len(FAULTS)] for i in range(given.faults)]
        random.Random(given.seed).shuffle(wanted)
        outcomes = survive(pathlib.Path(folder), wanted, given.seed, lambda text: print(text, flush=True))
    table = collections.defaultdict(list)
    for outcome in outcomes:
        table[outcome.fault].append(outcome.reached - outcome.resumed)
    print(f"\n{'fault':<18} {'times':>5} {'images lost, median':>20} {'most':>6}   (a checkpoint every {EVERY}, logged every 80)")
    for fault, lost in table.items():
        print(f"{fault:<18} {len(lost):>5} {int(np.median(lost)):>20} {max(lost):>6}")
    print("every run ended in the same bits as the unbroken one")


if __name__ == "__main__":
    main()
