"""Makes a study of each of some settings with each of some seeds, and puts what their evaluations say side by side.

    python -m tests.quality --out=runs/quality --config=configs/demo.py --seeds=0,1,2 "as shipped" \\
        "half the rate: --config.training.discriminator_rate=0.5" -- --config.training.total_kimg=100

A variant is a name and, behind a colon, flags of its own; flags behind `--` are every study's. Studies lie in OUT/VARIANT/seed_N, and those
that are done are not made again. Small trainings share a GPU well: `--at_once=3` makes three at a time, and `--devices=0,1` deals them out
to two GPUs. With `--trainings` nothing is searched, tuned and morphed: `tests.trainings` judges what each has learnt. `--prepared=WORKDIR`
takes the collection that lies there. Prints a table, a line for each study and one for the means of each variant, and writes it to
OUT/table.md.

Settings are chosen by the columns "trained on"; what is said of paintings held out is for reporting.
"""

import argparse
import concurrent.futures
import csv
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import stats

# Films and walks, which no figure depends on, take as long as a small training.
QUICK = ("--config.morphing.films=0", "--config.morphing.stations=0", "--config.sampling.walk=0", "--config.morphing.formats=('gif',)")
COLUMNS = (
    "chance, trained on", "recall", "coverage", "copies, %", "middles, trained on", "middles, held out", "chance of that year, held out",
    "paintings' error", "ends' error", "style off by", "training, s", "in all, s",
)  # fmt: skip
SIGNS = {"nearer": "<", "further": ">", "undecided": "~"}


def main() -> None:
    words = sys.argv[1:]
    words, common = (words[: words.index("--")], words[words.index("--") + 1 :]) if "--" in words else (words, [])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("variants", nargs="+", help='"NAME" or "NAME: --config.x=y --config.z=w"')
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--config", required=True)
    parser.add_argument("--seeds", default="0,1,2", help="numbers with commas between")
    parser.add_argument("--at_once", type=int, default=1, help="studies at the same time")
    parser.add_argument("--trainings", action="store_true", help="trainings alone, instead of whole studies")
    parser.add_argument("--prepared", type=pathlib.Path, help="a workdir whose collection all take")
    parser.add_argument("--devices", default="", help="GPUs to deal them out to, by number")
    given = parser.parse_args(words)
    studies = [(variant, int(seed)) for variant in given.variants for seed in given.seeds.split(",")]
    gpus = given.devices.split(",") if given.devices else [""]
    with concurrent.futures.ThreadPoolExecutor(given.at_once) as pool:
        jobs = []
        for i, (variant, seed) in enumerate(studies):
            workdir, flags = workdir_of(given.out, variant, seed), [*common, *flags_of(variant)]
            if given.prepared and not workdir.exists():
                take(given.prepared, workdir)
                flags.append("--accept_changes")
            commands = trainings(given.config, workdir, seed, flags) if given.trainings else [study(given.config, workdir, seed, flags)]
            jobs.append(pool.submit(make, commands, workdir, gpus[i % len(gpus)]))
        for job, (variant, seed) in zip(jobs, studies):
            print(f"{name_of(variant)}, seed {seed}: {job.result()}", file=sys.stderr)
    rows = {}
    for variant, seed in studies:
        workdir = workdir_of(given.out, variant, seed)
        if (workdir / ("trainings.json" if given.trainings else "evaluation.json")).exists():
            rows.setdefault(name_of(variant), {})[seed] = figures_of_training(workdir) if given.trainings else figures_of(workdir)
    text = table(rows)
    (given.out / "table.md").write_text(text, encoding="utf-8")
    print(text)


def name_of(variant: str) -> str:
    return variant.partition(":")[0].strip()


def flags_of(variant: str) -> list[str]:
    return shlex.split(variant.partition(":")[2])


def workdir_of(out: pathlib.Path, variant: str, seed: int) -> pathlib.Path:
    return out / re.sub(r"\W+", "_", name_of(variant)) / f"seed_{seed}"


def command(verb: str, config: str, workdir: pathlib.Path, seed: int, flags: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "gan_jax", verb, f"--config={config}", f"--workdir={workdir}", f"--config.seed={seed}", *flags]


def study(config: str, workdir: pathlib.Path, seed: int, flags: Sequence[str]) -> list[str]:
    return command("study", config, workdir, seed, [*QUICK, *flags])


def trainings(config: str, workdir: pathlib.Path, seed: int, flags: Sequence[str]) -> list[list[str]]:
    learnt = [command(verb, config, workdir, seed, flags) for verb in ("prepare", "train")]
    return [*learnt, [sys.executable, "-m", "tests.trainings", str(workdir)]]


def take(prepared: pathlib.Path, workdir: pathlib.Path) -> None:
    """Begins a workdir with another one's collection."""
    workdir.mkdir(parents=True)
    shutil.copytree(prepared / "collection", workdir / "collection")
    about = json.loads((prepared / "config.json").read_text(encoding="utf-8"))
    about["stages"] = {"prepare": about["stages"]["prepare"]}
    (workdir / "config.json").write_text(json.dumps(about), encoding="utf-8")


def make(commands: Sequence[Sequence[str]], workdir: pathlib.Path, gpu: str) -> str:
    """Runs commands in processes of their own, and says how they ended; what they printed is in the workdir, quality.log."""
    workdir.mkdir(parents=True, exist_ok=True)
    shared = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"} | ({"CUDA_VISIBLE_DEVICES": gpu} if gpu else {})
    with open(workdir / "quality.log", "a") as log:
        for words in commands:
            ended = subprocess.run(words, stdout=log, stderr=log, env={**os.environ, **shared}, check=False).returncode
            if ended:
                return f"ended with {ended}, see {workdir / 'quality.log'}"
    return "done"


def figures_of(workdir: pathlib.Path) -> dict[str, Any]:
    """What a study's evaluation says, by the names in COLUMNS, and under "verdicts" of each competitor, with the difference."""
    said = json.loads((workdir / "evaluation.json").read_text(encoding="utf-8"))
    k = said["middle"]["k"]
    manifold = said["manifold"]["generated"]
    direct = said["competitors"].get("random samples of the same year", [{}] * (k + 1))[k]
    with open(workdir / "morphs" / "tuning.csv", encoding="utf-8", newline="") as file:
        ends = [float(row["error_after"]) for row in csv.DictReader(file)]
    finished = json.loads((workdir / "config.json").read_text(encoding="utf-8"))["stages"]
    values = (
        said["comparisons"][0]["kid"]["value"],
        manifold["recall"],
        manifold["coverage"],
        100 * said["copies"]["generated"]["part"],
        said["morph"][k]["training"]["value"],
        said["morph"][k]["against"]["between"]["kid"]["value"],
        direct["against"]["between"]["kid"]["value"] if direct else None,
        None,
        float(np.median(ends)) if ends else None,
        (said.get("truth") or {}).get("competitors", [{}])[0].get("error"),
        finished["train"]["seconds"],
        sum(stage.get("seconds", 0.0) for stage in finished.values()),
    )
    verdicts = {one["name"]: (one["verdict"], one["difference"]["value"]) for one in said["verdicts"] if one["verdict"]}
    return {**dict(zip(COLUMNS, values)), "verdicts": verdicts}


def figures_of_training(workdir: pathlib.Path) -> dict[str, Any]:
    """The same of what `tests.trainings` says, as far as it says it."""
    said = json.loads((workdir / "trainings.json").read_text(encoding="utf-8"))
    said = {{"works' error": "paintings' error"}.get(name, name): value for name, value in said.items()}  # as it was called before
    seconds = json.loads((workdir / "config.json").read_text(encoding="utf-8"))["stages"]["train"]["seconds"]
    verdicts = {name: (word, value) for name, (word, value) in said["verdicts"].items() if word}
    return {**dict.fromkeys(COLUMNS), **said, "training, s": seconds, "verdicts": verdicts}


def table(rows: Mapping[str, Mapping[int, Mapping[str, Any]]]) -> str:
    """Markdown: a line for each study, and for each variant of several seeds its means with the half-widths of their 95 % intervals."""
    lines = [["settings", "seed", *COLUMNS, "middles against"], ["---"] * (len(COLUMNS) + 3)]
    for name, studies in rows.items():
        for seed, figures in studies.items():
            verdicts = ", ".join(f"{other} {SIGNS[verdict]} {value:+.2f}" for other, (verdict, value) in figures["verdicts"].items())
            lines.append([name, str(seed), *(_said(figures[column]) for column in COLUMNS), verdicts])
        if len(studies) > 1:
            lines.append([name, "mean", *(_mean([figures[column] for figures in studies.values()]) for column in COLUMNS), ""])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _said(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def _mean(values: Sequence[float | None]) -> str:
    if None in values:
        return ""
    half = stats.t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values))
    return f"{_said(float(np.mean(values)))} ± {_said(float(half))}"


if __name__ == "__main__":
    main()
