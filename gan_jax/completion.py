"""Completion of verbs, flags and settings, for bash and for zsh with bashcompinit."""

from collections.abc import Iterable

SCRIPT = """\
# eval "$(gan-jax completion)" in ~/.bashrc; in ~/.zshrc after: autoload -U +X bashcompinit && bashcompinit
_gan_jax() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} line=${{COMP_LINE:0:COMP_POINT}}
  # "=" parts words: what is completed is what stands behind the last space.
  local whole=${{line##* }}
  local words="{verbs}"
  case $whole in
    --config=*) COMPREPLY=($(compgen -f -X '!*.py' -- "${{whole#--config=}}")); return ;;
    --*=*) COMPREPLY=($(compgen -f -- "${{whole#*=}}")); return ;;
    -*) words="{flags}" ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$whole"))
  [[ ${{COMPREPLY[0]}} == *= ]] && compopt -o nospace 2>/dev/null
}}
complete -o default -F _gan_jax gan-jax
"""


def script(verbs: Iterable[str], flags: Iterable[str], settings: Iterable[str]) -> str:
    """Returns what a shell has to run: `verbs`, `flags` (without their dashes) and `settings` (behind --config.) are what it offers."""
    words = [f"--{name}=" for name in flags] + [f"--config.{name}=" for name in settings]
    return SCRIPT.format(verbs=" ".join(verbs), flags=" ".join(words))
