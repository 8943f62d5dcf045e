"""What the program can be asked for: a record a verb, with its flags, the sections of the config that it reads, and what it does.

Libraries are imported when a verb is run: usage, help and wrong flags answer at once, without waiting for JAX.
"""

import contextlib
import dataclasses
import os
import pathlib
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from absl import flags

from gan_jax.config import check
from gan_jax.errors import UserError, on_one_line
from gan_jax.in_use import workdir_in_use
from gan_jax.settings import SETTINGS

if TYPE_CHECKING:
    from gan_jax.study import Study

USAGE = "python -m gan_jax VERB --workdir=runs/NAME [--config=NAME] [--config.some.field=value ...]"
Values = flags.FlagValues  # of a command: a value by the name of each flag, and the config


@dataclasses.dataclass(frozen=True)
class Flag:
    """Describes a flag of a verb; its default says of which type it is."""

    name: str
    default: Any
    about: str
    choices: tuple[str, ...] = ()

    def define(self, values: Values) -> None:
        if self.choices:
            flags.DEFINE_enum(self.name, self.default, self.choices, self.about, flag_values=values)
            return
        kinds: Mapping[type, Callable[..., Any]] = {
            bool: flags.DEFINE_boolean,
            int: flags.DEFINE_integer,
            float: flags.DEFINE_float,
            str: flags.DEFINE_string,
        }
        kinds[type(self.default)](self.name, self.default, self.about, flag_values=values)


@dataclasses.dataclass(frozen=True)
class Verb:
    """Describes a verb."""

    name: str
    about: str
    run: Callable[[str, Values], None]  # gets the name too
    sections: tuple[str, ...] = ()  # of the config, that it reads beside those of the stages before it
    flags: tuple[Flag, ...] = ()
    needs_workdir: bool = True  # else it is runs/VERB where none is given
    workdirs: bool = False  # whether several may be given

    def help(self) -> str:
        """Says what it does, which flags it has, and which fields of the config it reads."""
        lines = [f"{self.name}: {self.about}", "", f"  {USAGE.replace('VERB', self.name)}"]
        lines += [f"  --{flag.name}: {flag.about}" for flag in self.flags]
        if self.sections:
            lines += ["", "Fields, with their defaults:", *(f"  {field}" for field in SETTINGS if field.section in self.sections)]
        return "\n".join(lines)


def say(name: str, result: Any) -> None:
    print(f"{name:<9} {on_one_line(str(result))}", flush=True)


@contextlib.contextmanager
def opened(verb: str, values: Values, writes: bool = True) -> Iterator["Study"]:
    """Opens the study in the workdir, which nobody else writes in meanwhile. `writes`: of several processes, whether it is this one.

    Where there is no workdir, one is made only for a verb that can begin a study, with a config in which nothing is wrong.
    """
    from gan_jax.compilation_cache import use_compilation_cache
    from gan_jax.files import remove_left
    from gan_jax.stages.order import STAGES
    from gan_jax.study import Study

    use_compilation_cache()
    workdir = pathlib.Path(values.workdir[0] if isinstance(values.workdir, list) else values.workdir)
    if writes and not workdir.exists():
        beginning = Study(values.config, workdir, writes=False)
        if verb in STAGES and beginning.unneeded(verb):
            yield beginning
            return
    with workdir_in_use(workdir, verb) if writes else contextlib.nullcontext():
        if writes:
            remove_left(workdir)
        yield Study(values.config, workdir, values.accept_changes, writes)


def study(verb: str, values: Values) -> None:
    is_primary = join(values)
    if values.dry_run:
        plan(values, lambda stage: is_primary or stage == "train")
        return
    with opened(verb, values, is_primary) as study:
        if not is_primary:  # the primary process prepares before, and does what comes after
            study.wait_for("prepare")
            study.run("train")
            return
        for name, result in study.run_all():
            say(name, result)
        spent = ", ".join(f"{name} {seconds:.0f}" for name, seconds in study.seconds.items())
        say("time", f"{sum(study.seconds.values()) / 60:.1f} minutes in all; seconds: {spent}")
        print(f"\nLook at  {study.workdir / 'report.html'}")
        for suffix in study.config.morphing.formats[-1:]:
            if (film := study.workdir / "morphs" / f"set.{suffix}").exists():  # it may have been moved away
                print(f"and at   {film}")


def stage(verb: str, values: Values) -> None:
    """Runs the stage that is called like the verb."""
    with opened(verb, values) as study:
        say(verb, study.run(verb))


def narrow(verb: str, values: Values) -> None:
    with opened(verb, values) as study:
        from gan_jax.stages.narrow import narrow

        say("prepare", study.run("prepare"))
        say(verb, narrow(study.config, study.workdir))


def train(verb: str, values: Values) -> None:
    is_primary = join(values)
    if values.dry_run:
        plan(values, lambda stage: stage == verb)
        return
    with opened(verb, values, is_primary) as study:
        result = study.run(verb)
        if is_primary:
            say(verb, result)


def sample(verb: str, values: Values) -> None:
    if values.generator:
        alone(verb, values, "seeds")
        return
    if values.period:
        values.config.sampling.period = values.period
    if values.year:
        values.config.sampling.year = values.year
    stage(verb, values)


def invert(verb: str, values: Values) -> None:
    alone(verb, values, "images") if values.generator else stage(verb, values)


def morph(verb: str, values: Values) -> None:
    if values.generator:
        alone(verb, values, "from", "to")
        return
    with opened(verb, values) as study:
        say(verb, study.run(verb))
        if values.pairs:
            from gan_jax.stages.morph import film

            say(verb, film(study.config, study.workdir, values.pairs))


def explore(verb: str, values: Values) -> None:
    with opened(verb, values, writes=False) as study:
        from gan_jax.stages.explore import explore

        inverted = study.standing().get("invert", False)
        explore(study.config, study.workdir, inverted, values.port, lambda address: say(verb, f"{address} (Ctrl-C ends it)"))


def report(verb: str, values: Values) -> None:
    if len(values.workdir) == 1:
        stage(verb, values)
        return
    from gan_jax.report.comparison import write_comparison

    say(verb, write_comparison([pathlib.Path(workdir) for workdir in values.workdir]))


def benchmark(verb: str, values: Values) -> None:
    if values.compile and not values.peer:
        raise UserError("--compile: is of the peer; --peer is needed beside it")
    if values.paper:
        from gan_jax.stages.benchmark import on_paper

        check(values.config)
        return on_paper(values.config)
    if values.peer:  # before JAX takes three quarters of a GPU's memory
        os.environ.setdefault("XLA_PYTHON_CLIENT_MEM_FRACTION", "0.45")
    join(values)
    from gan_jax.stages.benchmark import benchmark

    check(values.config)
    benchmark(values.config, pathlib.Path(values.workdir), values.input, values.peer, values.compile)


def join(values: Values) -> bool:
    """Makes this process one of several where that is asked for; returns whether it is the one that writes."""
    if not values.hosts:
        return True
    from gan_jax.training import hosts

    hosts.join(values.hosts, values.coordinator, values.host)
    return hosts.is_primary()


def plan(values: Values, wanted: Callable[[str], bool]) -> None:
    """Says what would be done of the stages that are wanted. Compiling is measured, so nothing that was compiled before is read."""
    from gan_jax.forecast.plan import plan, rehearsal_of
    from gan_jax.study import Study

    study = Study(values.config, pathlib.Path(values.workdir), values.accept_changes, writes=False)
    stands = study.standing()
    here = rehearsal_of(study.config, study.workdir, stands["prepare"], study.seen, study.unasked)
    plan(study.config, {name: done for name, done in stands.items() if wanted(name)}, here)


def alone(verb: str, values: Values, *names: str) -> None:
    """Does what a verb does, of what flags of these names give, without a study."""
    from gan_jax.compilation_cache import use_compilation_cache
    from gan_jax.stages import alone

    use_compilation_cache()
    given = [values[name].value for name in names]
    for name, value in zip(names, given):
        if not value:
            raise UserError(f"--{name}: needed beside --generator")
    check(values.config)
    say(verb, getattr(alone, verb)(values.config, pathlib.Path(values.workdir), values.generator, *given))


GENERATOR = Flag("generator", "", "Without a study: another workdir, a file of pretrained networks, or a TF-Hub module.")
DRY_RUN = Flag("dry_run", False, "Say what would be done, the memory it needs and the time that it takes here, and do nothing.")
TOGETHER = (
    Flag("hosts", "", "How many processes train as one, each with this same command; auto on SLURM and TPU pods."),
    Flag("coordinator", "", "Address and port of the first of them."),
    Flag("host", -1, "Which of them this is, from 0."),
)
STAGES = (
    Verb("prepare", "reads the paintings and their dates", stage, ("seed", "collection")),
    Verb(
        "narrow",
        "before a training: proposes paintings of both periods that compare like with like, and says why it leaves others out",
        narrow,
        ("collection", "narrowing"),
    ),
    Verb(
        "train",
        "trains the networks on the early and the late paintings, from the latest checkpoint if there is one",
        train,
        ("seed", "model", "training"),
        (DRY_RUN, *TOGETHER),
    ),
    Verb(
        "sample",
        "paints images from random latents; alone: --generator=WHAT --seeds=0-15,40",
        sample,
        ("generator", "sampling"),
        (
            Flag("period", "", "Of a conditional network, the period to paint: --config.sampling.period."),
            Flag("year", 0.0, "Of a network that knows the year, the one to paint: --config.sampling.year."),
            GENERATOR,
            Flag("seeds", "", "Of the images to paint: numbers and spans of them, with commas between."),
        ),
    ),
    Verb(
        "invert",
        "finds the latents of the real paintings; alone: --generator=WHAT --images=FOLDER",
        invert,
        ("generator", "inversion"),
        (GENERATOR, Flag("images", "", "Images: a folder, or files with commas between.")),
    ),
    Verb(
        "morph",
        "pairs early paintings with late ones and paints the years between; alone: --generator=WHAT --from=A.jpg --to=B.jpg",
        morph,
        ("tuning", "morphing"),
        (
            Flag("pairs", "", "Films of these pairs too: numbers and spans of them with commas between, or all."),
            GENERATOR,
            Flag("from", "", "The image to begin with."),
            Flag("to", "", "The image to end with."),
        ),
    ),
    Verb(
        "baseline",
        "does the same with another generator (TF-Hub's Progressive GAN), and by the published recipe",
        stage,
        ("baseline",),
    ),
    Verb("evaluate", "compares what was painted with real paintings", stage, ("evaluation",)),
    Verb(
        "report",
        "writes report.html; with --workdir given more than once comparison.html, studies side by side",
        report,
        workdirs=True,
    ),
    Verb(
        "explore",
        "opens a page on this machine: paintings and samples, what lies between them, years and directions by hand",
        explore,
        ("generator",),
        (Flag("port", 0, "Of the page; 0: any that is free."),),
    ),
    Verb(
        "benchmark",
        "times training, sampling and inversion on this machine; --input=real times the whole loop too",
        benchmark,
        ("model", "training", "benchmark"),
        (
            Flag("input", "synthetic", "What is trained on; real: the collection, in the whole loop.", ("synthetic", "real")),
            Flag("peer", False, "Time a tuned PyTorch step of the same work beside ours, in turn; of the papers' configs, on one device."),
            Flag("compile", False, "Of --peer: its networks go through torch.compile."),
            Flag("paper", False, "Measure nothing; say what a step needs at best on one chip of a TPU v5e, counted from the architecture."),
            *TOGETHER,
        ),
        needs_workdir=False,
    ),
)
STUDY = Verb(
    "study",
    "runs all of the following but `narrow` and the last two, skips what is complete, and goes on where it stopped",
    study,
    tuple(dict.fromkeys(section for verb in STAGES for section in verb.sections)),
    (DRY_RUN, *TOGETHER),
)
VERBS = {verb.name: verb for verb in (STUDY, *STAGES)}
ACCEPT_CHANGES = Flag("accept_changes", False, "Go on in a workdir that was begun with another config, and say what differs.")
EVERYWHERE = ("config", "workdir", ACCEPT_CHANGES.name)  # flags that all verbs have


def usage() -> str:
    """Says what there is."""
    verbs = "\n".join(f"  {verb.name:<10} {verb.about}" for verb in VERBS.values())
    return (
        f"Learns a painter's paintings by period and paints the years between.\n\n  {USAGE}\n\n{verbs}\n\n"
        "Without --config: the built-in painter, minutes on two CPU cores; `configs` lists what can be given, beside files of your own.\n"
        "`VERB --help` lists the fields that a verb reads.\n"
        'eval "$(gan-jax completion)" lets the shell complete verbs and fields.'
    )


def every_flag() -> tuple[str, ...]:
    """Returns the names of all flags of all verbs."""
    return tuple(dict.fromkeys([*EVERYWHERE, *(flag.name for verb in VERBS.values() for flag in verb.flags)]))
