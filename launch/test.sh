#!/usr/bin/env bash
# Runs the tests; makes .venv if it is not there. Arguments go to pytest. Before them, --stack=oldest runs them on the oldest versions that
# are supported (launch/oldest.txt), in .venv-oldest, without those that need TensorFlow.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source launch/environment.sh

case ${1:-} in
  --stack=oldest)
    shift
    venv=.venv-oldest
    pythons="python3.12 python3.13 python3.11"
    prepare_environment launch/oldest.txt tests/requirements.txt
    set -- --ignore=tests/test_hub.py --ignore=tests/test_tfds.py "$@"
    ;;
  --stack=*)
    echo "$1: there is --stack=oldest; without it the newest are tested" >&2
    exit 2
    ;;
  *) prepare_environment requirements.txt tests/requirements.txt ;;
esac

exec "$python" -m pytest "$@"
