"""The command line: a verb, a config and a workdir."""

import contextlib
import faulthandler
import os
import pathlib
import re
import sys
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from absl import flags, logging
from ml_collections import config_flags

from gan_jax import completion, demo_config, shipped_configs
from gan_jax.collection.named_periods import ENDS, check_name
from gan_jax.errors import Stopped, UserError
from gan_jax.fields import fields
from gan_jax.huge_pages import use_huge_pages
from gan_jax.in_use import workdir_in_use

if TYPE_CHECKING:
    from gan_jax.study import Study

VERBS = {
    "study": "runs all of the following but `narrow` and the last, skips what is complete, and goes on where it stopped",
    "prepare": "reads the paintings and their dates",
    "narrow": "before a training: proposes works of both periods that compare like with like, and says why it leaves others out",
    "train": "trains the networks on the early and the late works, from the latest checkpoint if there is one",
    "sample": "paints pictures from random latents; alone: --generator=WHAT --seeds=0-15,40",
    "invert": "finds the latents of the real paintings; alone: --generator=WHAT --images=FOLDER",
    "morph": "pairs early works with late ones and paints the years between; alone: --generator=WHAT --from=A.jpg --to=B.jpg",
    "baseline": "does the same with another generator (TF-Hub's Progressive GAN), and by the published recipe",
    "evaluate": "compares what was painted with real works",
    "report": "writes report.html; with --workdir given more than once comparison.html, studies side by side",
    "benchmark": "times training, sampling and inversion on this machine; --input=real times the whole loop too",
}
SECTIONS = {
    "prepare": ("seed", "collection"),
    "narrow": ("collection", "narrowing"),
    "train": ("seed", "model", "training"),
    "sample": ("generator", "sampling"),
    "invert": ("generator", "inversion"),
    "morph": ("tuning", "morphing"),
    "baseline": ("baseline",),
    "evaluate": ("evaluation",),
    "benchmark": ("model", "training", "benchmark"),
}
# What these take beside --generator to do without a study.
ALONE = {"sample": ("seeds",), "invert": ("images",), "morph": ("from", "to")}
ABOUT = {
    "seeds": "Of the pictures to paint: numbers and spans of them, with commas between.",
    "images": "Pictures: a folder, or files with commas between.",
    "pairs": "Films of these pairs too: numbers and spans of them with commas between, or all.",
    "from": "The picture to begin with.",
    "to": "The picture to end with.",
    "accept_changes": "Go on in a workdir that was begun with another config, and say what differs.",
    "dry_run": "Say what would be done, the memory it needs and the time that training takes here, and do nothing.",
    "hosts": "How many processes train as one, each with this same command; auto on SLURM and TPU pods.",
    "coordinator": "Address and port of the first of them.",
    "host": "Which of them this is, from 0.",
}
TOGETHER = ("study", "train", "benchmark")  # what several processes can do as one
PLANNED = ("study", "train")
USAGE = "python -m gan_jax VERB --workdir=runs/NAME [--config=NAME] [--config.some.field=value ...]"


def usage() -> str:
    verbs = "\n".join(f"  {verb:<10} {text}" for verb, text in VERBS.items())
    return (
        f"Learns a painter's works by period and paints the years between.\n\n  {USAGE}\n\n{verbs}\n\n"
        "Without --config: the built-in painter, minutes on two CPU cores; `configs` lists what can be given, beside files of your own.\n"
        "`VERB --help` lists the fields that a verb reads.\n"
        'eval "$(gan-jax completion)" lets the shell complete verbs and fields.'
    )


def verb_help(verb: str) -> str:
    """What a verb does and the config fields it reads, with their defaults and units, from the source of the default config."""
    sections = SECTIONS.get(verb, tuple(dict.fromkeys(s for group in SECTIONS.values() for s in group)) if verb == "study" else ())
    shown = [f"  {field}" for field in fields() if field.section in sections]
    text = f"{verb}: {VERBS[verb]}\n\n  {USAGE.replace('VERB', verb)}"
    beside = ("dry_run",) if verb in PLANNED else ("pairs",) if verb == "morph" else ()
    beside += ("generator", *ALONE[verb]) if verb in ALONE else ("hosts", "coordinator", "host") if verb in TOGETHER else ()
    for name in beside:
        text += f"\n  --{name}: " + ABOUT.get(name, "Without a study: another workdir, a file of pretrained networks, or a TF-Hub module.")
    return text + ("\n\nFields, with their defaults:\n" + "\n".join(shown) if shown else "")


def main(verb: str, values: flags.FlagValues) -> None:
    """Does what a verb's flags say."""
    logging.set_verbosity(logging.WARNING)  # libraries' remarks would break the progress line
    leads = verb not in TOGETHER or not values.hosts or join(values)
    # Imported here: usage and wrong flags answer at once, without waiting for JAX.
    from gan_jax.compilation_cache import use_compilation_cache
    from gan_jax.study import Study, check_bounds

    if verb == "benchmark":
        from gan_jax.stages.benchmark import benchmark

        check_bounds(values.config)
        benchmark(values.config, pathlib.Path(values.workdir), values.input)
        return
    use_compilation_cache()
    if verb in ALONE and values.generator:
        print(f"{verb:<9} {alone(verb, values)}")
        return
    if verb == "sample" and values.period:
        values.config.sampling.period = values.period
    if verb == "sample" and values.year:
        values.config.sampling.year = values.year
    if verb == "report" and len(values.workdir) > 1:
        from gan_jax.report.comparison import write_comparison

        print(f"{verb:<9} {write_comparison([pathlib.Path(workdir) for workdir in values.workdir])}")
        return
    workdir = pathlib.Path(values.workdir[0] if verb == "report" else values.workdir)
    if verb in PLANNED and values.dry_run:
        from gan_jax.stages.plan import plan

        study = Study(values.config, workdir, values.accept_changes)
        plan(study.config, {name: done for name, done in study.standing().items() if verb in ("study", name)})
        return
    with workdir_in_use(workdir, verb) if leads else contextlib.nullcontext():
        work(verb, Study(values.config, workdir, values.accept_changes), leads, values)


def work(verb: str, study: "Study", leads: bool, values: flags.FlagValues) -> None:
    """Does what a verb asks of a study. `leads`: whether this is the process that writes, of several."""
    if verb == "narrow":
        from gan_jax.stages.narrow import narrow

        print(f"{'prepare':<9} {study.run('prepare')}")
        print(f"{verb:<9} {narrow(study.config, study.workdir)}")
        return
    if verb == "morph" and values.pairs:
        from gan_jax.stages.morph import film

        print(f"{verb:<9} {study.run(verb)}")
        print(f"{verb:<9} {film(study.config, study.workdir, values.pairs)}")
        return
    if not leads:  # the leader prepares before, and does what comes after
        if verb == "study":
            study.wait_for("prepare")
        study.run("train")
        return
    if verb != "study":
        print(f"{verb:<9} {study.run(verb)}")
        return
    for name, result in study.run_all():
        print(f"{name:<9} {result}", flush=True)
    spent = ", ".join(f"{name} {seconds:.0f}" for name, seconds in study.seconds.items())
    print(f"{'time':<9} {sum(study.seconds.values()) / 60:.1f} minutes in all; seconds: {spent}")
    print(f"\nLook at  {study.workdir / 'report.html'}\nand at   {study.workdir / 'morphs' / f'set.{study.config.morphing.formats[-1]}'}")


def join(values: flags.FlagValues) -> bool:
    """Makes this process one of several; whether it is the one that writes."""
    from gan_jax.training import hosts

    hosts.join(values.hosts, values.coordinator, values.host)
    return hosts.leads()


def alone(verb: str, values: flags.FlagValues) -> str:
    """`sample`, and `invert` and `morph` of given pictures, without a study."""
    from gan_jax.stages import alone
    from gan_jax.study import check_bounds

    given = [values[name].value for name in ALONE[verb]]
    for name, value in zip(ALONE[verb], given):
        if not value:
            raise UserError(f"--{name}: needed beside --generator")
    check_bounds(values.config)
    return getattr(alone, verb)(values.config, pathlib.Path(values.workdir), values.generator, *given)


def run(words: Sequence[str], values: flags.FlagValues) -> None:
    """Does what the words of a command line say: a user's mistake is one line on stderr and exit code 2.

    values: gets the flags; one of its own for each command.
    """
    verb = next((word for word in words if not word.startswith("-")), None)
    if verb is None or verb == "help":
        print(usage())
        sys.exit(0 if not words or verb == "help" or "--help" in words else 2)
    if verb == "completion":
        given = ("config", "workdir", "accept_changes", "generator", "period", "year", "input", *ABOUT)
        print(completion.script(VERBS, dict.fromkeys(given), (field.name for field in fields())), end="")
        return
    if verb == "configs":
        for name, about in shipped_configs.listed():
            print(textwrap.fill(f"  {name:<17} {about}", 100, subsequent_indent=" " * 20))
        return
    if verb not in VERBS:
        fail(f"{verb!r}: no such verb; there is {', '.join(VERBS)}")
    if "--help" in words or "-h" in words:
        print(verb_help(verb))
        return
    words = config_first(words)
    try:
        words, periods = named_periods(words)
        define_flags(verb, words, values)
        parse(words, values, periods)
        main(verb, values)
    except UserError as error:
        fail(str(error))
    except Stopped as stopped:
        print(f"gan_jax: {stopped}", file=sys.stderr)
        sys.exit(stopped.code)
    except OSError as error:
        if not error.errno:
            raise
        fail(f"{error.filename or 'the system'}: {error.strerror}")  # a full disk, a folder that can't be written
    except KeyboardInterrupt:
        fail("stopped", 130)
    except RuntimeError as error:
        if not among_others():
            raise
        fail(f"this process can't go on, or another is gone ({one_line(error)[:200]}); the same commands go on from the last checkpoint", 1)


def define_flags(verb: str, words: Sequence[str], values: flags.FlagValues) -> None:
    """Defines what a verb takes."""
    to = {"flag_values": values}
    argv = [sys.argv[0], *words]
    config_flags.DEFINE_config_file("config", None, "What to do: a file with get_config().", sys_argv=argv, **to)
    without_study = verb == "benchmark" or any(re.match(r"--?generator(=|$)", word) for word in words)
    folder = f"runs/{verb}" if without_study else None
    if verb == "report":
        flags.DEFINE_multi_string("workdir", None, "Folder of a study; given more than once, studies to compare.", required=True, **to)
    else:
        flags.DEFINE_string("workdir", folder, "Folder for everything that is made.", required=not without_study, **to)
    if verb in PLANNED:
        flags.DEFINE_boolean("dry_run", False, ABOUT["dry_run"], **to)
    flags.DEFINE_boolean("accept_changes", False, ABOUT["accept_changes"], **to)
    for name in ALONE.get(verb, ()):
        flags.DEFINE_string(name, "", ABOUT[name], **to)
    if verb in ALONE:
        flags.DEFINE_string("generator", "", "What paints: another workdir, a file of pretrained networks, or a TF-Hub module.", **to)
    if verb in TOGETHER:
        flags.DEFINE_string("hosts", "", ABOUT["hosts"], **to)
        flags.DEFINE_string("coordinator", "", ABOUT["coordinator"], **to)
        flags.DEFINE_integer("host", -1, ABOUT["host"], **to)
    if verb == "sample":
        flags.DEFINE_string("period", "", "Of a conditional network, the period to paint: --config.sampling.period.", **to)
        flags.DEFINE_float("year", 0.0, "Of a network that knows the year, the one to paint: --config.sampling.year.", **to)
    if verb == "morph":
        flags.DEFINE_string("pairs", "", ABOUT["pairs"], **to)
    if verb == "benchmark":
        about = "What is trained on; real: the collection, in the whole loop."
        flags.DEFINE_enum("input", "synthetic", ["synthetic", "real"], about, **to)


def config_first(words: Sequence[str]) -> list[str]:
    """The same words with --config before all others: its fields are flags only once it is read. Without one, that of the demo."""
    words = list(words)
    place = next((i for i, word in enumerate(words) if re.match(r"--?config(=|$)", word)), None)
    config = [f"--config={demo_config.__file__}"]
    if place is not None:
        end = place + (1 if "=" in words[place] else 2)
        config, words = words[place:end], words[:place] + words[end:]
    config = shipped_configs.found("=".join(config).partition("=")[2])
    path = config.partition(":")[0]
    if not pathlib.Path(path).is_file():
        fail(f"--config={path}: no such file; `configs` lists those that come with the program")
    return [f"--config={config}", *words]


def named_periods(words: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """The words without those that name a period beside early and late, and what these say, by its name.

    Such fields are in no config before, and of fields that are not there absl knows nothing.
    """
    rest, periods, unread = [], {}, iter(words)
    for word in unread:
        match = re.fullmatch(r"--?config\.collection\.periods\.([^=]*)(?:=(.*))?", word, re.DOTALL)
        if not match or match[1] in ENDS:
            rest.append(word)
            continue
        check_name(match[1])
        said = match[2] if match[2] is not None else next(unread, "--")
        if said.startswith("--"):
            raise UserError(f"--config.collection.periods.{match[1]}: needs years, such as 1886..1887")
        periods[match[1]] = said
    return rest, periods


def parse(words: Sequence[str], values: flags.FlagValues, periods: Mapping[str, str]) -> None:
    """absl's parsing, with one line for a wrong flag; `periods` are those that the command line names beside early and late."""
    try:
        values([sys.argv[0], *words])
        values.config.to_dict()  # a file that can't be read is an error only when something is asked of it
        section = values.config.collection.periods
        with section.unlocked(), section.ignore_type():
            section.update(periods)
    except (AttributeError, KeyError) as error:
        said = f"{one_line(error)};"
        if match := re.search(r"'(\w+)' Did you mean \"(\w+)\"", said):
            said = f"{match[1]!r}; did you mean {match[2]!r}?"
        raise UserError(f"--config: no such field {said} `VERB --help` lists them") from None
    except (flags.Error, TypeError, ValueError, SyntaxError, ImportError) as error:
        raise UserError(one_line(error)) from None


def one_line(error: Exception) -> str:
    lines = str(error).replace("\\n", "\n").replace("\\'", "'").strip('" ').splitlines()
    if any(line.startswith("Traceback") for line in lines):  # of an error inside a config file: where, and what
        lines = [lines[0], lines[-1]]
    return " ".join(" ".join(lines).split())


def fail(message: str, code: int = 2) -> None:
    print(f"gan_jax: {message}", file=sys.stderr, flush=True)
    if among_others():
        os._exit(code)  # an orderly end would wait for the others, which wait for this one
    sys.exit(code)


def among_others() -> bool:
    """Whether this is one of several processes."""
    return "jax" in sys.modules and sys.modules["jax"].distributed.is_initialized()


def command() -> None:
    """The program as a process of its own."""
    use_huge_pages()
    faulthandler.enable()
    logging.use_absl_handler()
    run(sys.argv[1:], flags.FLAGS)


if __name__ == "__main__":
    command()
