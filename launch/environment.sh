# Sourced by the other scripts: makes .venv in the project's folder and installs the given requirement files, unless that is done.
# Sets $python to its interpreter.

prepare_environment() {
  local found="" candidate
  for candidate in "${PYTHON:-}" python3.13 python3.12 python3.11 python3 python; do
    if [ -n "$candidate" ] && command -v "$candidate" >/dev/null 2>&1 &&
      "$candidate" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1; then
      found=$candidate
      break
    fi
  done
  if [ ! -x .venv/bin/python ]; then
    if [ -z "$found" ]; then
      echo "No Python from 3.11 to 3.13 found (with its venv and ensurepip modules); install one, or name it: PYTHON=/path/to/python3.12 bash $0" >&2
      exit 1
    fi
    echo "Making .venv with $("$found" --version)"
    rm -rf .venv
    "$found" -m venv .venv
  fi
  python=.venv/bin/python
  local stamp=.venv/installed.txt
  if ! cat "$@" | cmp -s - "$stamp"; then
    echo "Installing $* (a few minutes, once)"
    local arguments=() file
    for file in "$@"; do arguments+=(-r "$file"); done
    "$python" -m pip install --quiet --disable-pip-version-check "${arguments[@]}"
    cat "$@" >"$stamp"
  fi
}
