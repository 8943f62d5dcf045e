#!/usr/bin/env bash
# Runs the tests; makes .venv if it is not there. Arguments go to pytest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source launch/environment.sh
prepare_environment requirements.txt tests/requirements.txt

exec "$python" -m pytest "$@"
