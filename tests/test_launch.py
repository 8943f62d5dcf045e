"""The scripts of launch/, on machines that are pretended."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

import pytest
from survival import PATIENCE, wait
from test_study import ROOT

PYTHON = """#!/bin/bash
trap 'kill $(jobs -p) 2>/dev/null; exit 143' TERM
case "$*" in
  *'version("jax")'*) echo 0.11.2 ;;
  *jax-cuda*) exit 1 ;;
  *local_device_count*) echo "$SEEN" ;;
  *"pip --version"*) ;;
  *) echo "$*; of memory $XLA_PYTHON_CLIENT_MEM_FRACTION; on $JAX_PLATFORMS; devices $JAX_LOCAL_DEVICE_IDS" >>calls.txt ;;
esac
case "$*" in *study*) sleep 3600 & wait ;; esac
"""
# Instead of a pause that would have to be long enough for any machine.
UNTIL_IT_ENDS = """#!/bin/bash
while ps -ww -p "$(cat "$(dirname "$0")/../runs/mine.pid")" -o args= | grep -q gan_jax; do command -p sleep 0.05; done
"""


class Machine:
    """A project folder whose Python writes down what it is asked for, with an nvidia-smi that lists `gpus` GPUs."""

    def __init__(self, folder: pathlib.Path, gpus: int, driver: str):
        self.folder = folder
        shutil.copytree(ROOT / "launch", folder / "launch")
        shutil.copy(ROOT / "requirements.txt", folder)
        write(folder / ".venv" / "bin" / "python", PYTHON)
        (folder / ".venv" / "installed").mkdir()
        shutil.copy(ROOT / "requirements.txt", folder / ".venv" / "installed")
        lines = "".join(f"echo 'NVIDIA H200, {driver}, 143771 MiB'\n" for _ in range(gpus))
        write(folder / "bin" / "nvidia-smi", "#!/bin/bash\n" + (lines or "exit 9\n"))

    def run(self, *words: str, seen: int = 0, script: str = "gpu_vm.sh", **more: str) -> subprocess.CompletedProcess:
        environment = {**os.environ, "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}", "SEEN": str(seen), "SETTLE": "0.5"}
        for name in ("XLA_PYTHON_CLIENT_MEM_FRACTION", "JAX_PLATFORMS", "CUDA_VISIBLE_DEVICES"):
            environment.pop(name, None)
        command = ["bash", str(self.folder / "launch" / script), *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, env=environment | more)

    @property
    def calls(self) -> list[str]:
        path = self.folder / "calls.txt"
        return path.read_text().splitlines() if path.exists() else []


def soon(condition) -> bool:
    """Whether it comes true before it is plain that it never will."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def write(path: pathlib.Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


@pytest.mark.parametrize("driver, extra", [("580.65.06", "cuda13"), ("610.10", "cuda13"), ("570.86.15", "cuda12"), ("525.60.13", "cuda12")])
def test_the_cuda_that_a_driver_can_do_is_installed(tmp_path, driver, extra):
    machine = Machine(tmp_path, 2, driver)
    done = machine.run("check", "--config.benchmark.seconds=1", seen=2)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("GPU: NVIDIA H200") == 2 and f"JAX for {extra} sees all 2" in done.stdout
    install, benchmark = machine.calls
    assert f"pip install --quiet --disable-pip-version-check jax[{extra}]==0.11.2" in install
    assert "-m gan_jax benchmark --config=configs/dcgan.py --workdir=runs/check --config.benchmark.batch_size=256" in benchmark
    assert "--config.benchmark.seconds=1" in benchmark
    assert "of memory 0.9" in benchmark


@pytest.mark.parametrize(
    "gpus, driver, seen, words, message",
    [
        (0, "", 0, ("study", "--workdir=runs/mine"), "no NVIDIA GPU answers here.*`bash launch/gpu_vm.sh --cpu study --workdir=runs/mine`"),
        (1, "470.1", 1, ("check",), "driver 470.1 is older than JAX needs"),
        (1, "[N/A]", 1, ("check",), "gives no driver version"),
        (2, "580.1", 1, ("check",), "JAX sees 1 of 2 GPUs"),
        (1, "580.1", 1, ("study",), "--workdir=FOLDER is needed"),
        (1, "580.1", 1, ("install",), "install cuda13, or cuda12"),
        (1, "580.1", 1, (), "bash launch/gpu_vm.sh check"),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path, gpus, driver, seen, words, message):
    machine = Machine(tmp_path, gpus, driver)
    done = machine.run(*words, seen=seen)
    assert done.returncode and re.search(message, done.stderr), done.stderr
    assert not any("gan_jax" in call for call in machine.calls)


def test_a_study_is_started_once_and_goes_on_alone(tmp_path):
    machine = Machine(tmp_path, 0, "")
    workdir = tmp_path / "runs" / "mine"
    words = ("--cpu", "study", f"--workdir={workdir}/")  # as a shell completes it
    done = machine.run(*words)
    assert done.returncode == 0 and f"tail -f {workdir}.log" in done.stdout, done.stderr
    process = int((tmp_path / "runs" / "mine.pid").read_text())
    try:
        assert f"kill {process}" in done.stdout
        assert soon(lambda: machine.calls)
        assert machine.calls == [f"-m gan_jax study --workdir={workdir}/; of memory ; on cpu; devices "]
        again = machine.run(*words)
        assert again.returncode == 2 and f"at work already (process {process})" in again.stderr
    finally:
        os.kill(process, signal.SIGTERM)
    assert soon(lambda: machine.run(*words).returncode == 0)  # once the first one is gone it starts again
    os.kill(int((tmp_path / "runs" / "mine.pid").read_text()), signal.SIGTERM)


def test_what_ends_at_once_is_not_said_to_be_started(tmp_path):
    machine = Machine(tmp_path, 0, "")
    write(tmp_path / "bin" / "sleep", UNTIL_IT_ENDS)
    write(tmp_path / ".venv" / "bin" / "python", PYTHON.replace("sleep 3600 & wait", "echo gan_jax: no such field >&2; exit 2"))
    done = machine.run("--cpu", "study", f"--workdir={tmp_path / 'runs' / 'mine'}")
    assert done.returncode == 2 and "no such field" in done.stderr and "started" not in done.stdout


def test_some_of_the_gpus_may_be_taken(tmp_path):
    machine = Machine(tmp_path, 8, "580.1")
    done = machine.run("check", seen=2, CUDA_VISIBLE_DEVICES="0,3")
    assert done.returncode == 0 and "sees all 2" in done.stdout, done.stderr


def test_a_failed_install_is_not_remembered(tmp_path):
    Machine(tmp_path, 0, "")
    (tmp_path / ".venv" / "installed" / "requirements.txt").unlink()
    write(tmp_path / ".venv" / "bin" / "python", PYTHON.replace("case", 'case "$*" in *"pip install"*) exit 1 ;; esac\ncase', 1))
    done = subprocess.run(["bash", "-c", "source launch/environment.sh && prepare_environment requirements.txt"], cwd=tmp_path)
    assert done.returncode == 1 and not (tmp_path / ".venv" / "installed" / "requirements.txt").exists()


def test_slurm_gives_a_process_all_of_its_gpus_and_requeues_what_was_cut_off(tmp_path):
    machine = Machine(tmp_path, 0, "")
    # A step is its process, whose number stays the same.
    shell = f'#!/bin/bash\nwhile [[ $1 == --* ]]; do shift; done\necho $$ >{tmp_path}/step\nexec "$@"\n'
    write(tmp_path / "bin" / "srun", shell)
    write(tmp_path / "bin" / "scontrol", f"#!/bin/bash\necho scontrol $* >>{tmp_path}/calls.txt\n")
    write(tmp_path / "bin" / "scancel", f"#!/bin/bash\nkill -TERM $(cat {tmp_path}/step)\n")
    slurm = dict(SLURM_SUBMIT_DIR=str(tmp_path), SLURM_JOB_ID="7", SLURM_JOB_NUM_NODES="2", SLURM_GPUS_ON_NODE="8")
    done = machine.run("train", "--workdir=x", script="slurm.sbatch", **slurm)
    assert done.returncode == 0, done.stderr
    assert machine.calls == ["-m gan_jax train --workdir=x --hosts=auto; of memory ; on cuda; devices 0,1,2,3,4,5,6,7"]
    (tmp_path / "step").unlink()
    environment = {**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", **slurm, "SLURM_JOB_NUM_NODES": "1"}
    job = subprocess.Popen(["bash", str(tmp_path / "launch" / "slurm.sbatch"), "study"], env=environment)
    try:
        assert wait(job, lambda: len(machine.calls) > 1)
        job.send_signal(signal.SIGTERM)
        assert job.wait(PATIENCE) == 0
    finally:
        if job.poll() is None:
            job.kill()
            if (tmp_path / "step").exists():
                os.kill(int((tmp_path / "step").read_text()), signal.SIGTERM)
    assert "--hosts" not in machine.calls[1] and machine.calls[2] == "scontrol requeue 7"


@pytest.mark.parametrize("name", ["cpu", "gpu"])
def test_containers_are_given_what_they_copy(name):
    text = (ROOT / "launch" / f"{name}.Dockerfile").read_text()
    copied = re.findall(r"^COPY --chown=painter (\S+)", text, re.MULTILINE)
    allowed = (ROOT / "launch" / f"{name}.Dockerfile.dockerignore").read_text().split()
    assert set(copied) == {"requirements.txt", "launch", "configs", "gan_jax"}
    assert all((ROOT / path).exists() and f"!{path}" in allowed for path in copied) and allowed[0] == "*"
    assert text.index("USER painter") < text.index("COPY")  # nothing is root's


def test_the_pinned_stacks_are_ends_of_what_is_required():
    required = dict(re.findall(r"^([\w-]+)>=([\d.]+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE))
    pins = {
        name: dict(re.findall(r"^([\w-]+)==([\d.]+)(?:;.*)?$", (ROOT / "launch" / f"{name}.txt").read_text(), re.MULTILINE))
        for name in ("oldest", "newest")
    }
    for name, least in required.items():
        same = [int(part) for part in least.split(".")]
        if name in pins["oldest"]:
            assert [int(part) for part in pins["oldest"][name].split(".")][: len(same)] == same, name
        assert [int(part) for part in pins["newest"][name].split(".")] >= same, name
