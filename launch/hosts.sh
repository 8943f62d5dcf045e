#!/usr/bin/env bash
# One training over several machines, or over parts of one:
#
#     bash launch/hosts.sh "HOST HOST ..." train --workdir=runs/mine [--config=...]
#
# Starts the same command on each, by ssh, in this folder, which all must share (with its .venv); localhost is started without ssh, and may
# be named more than once. Where one machine has several processes, each gets its part of CUDA_VISIBLE_DEVICES. The first host writes, and
# is the one that is heard; what the others say is in the logs that are named. Ctrl-C stops all after a checkpoint; the same command goes on.
# PORT (8476) is that of the first host, which the others must reach.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if [ $# -lt 2 ]; then
  sed -n '2,10s/^# \{0,1\}//p' launch/hosts.sh >&2
  exit 2
fi
python=${PYTHON:-$PWD/.venv/bin/python}
if [ ! -x "$python" ]; then
  echo "gan_jax: $PWD: no .venv here; \`bash launch/gpu_vm.sh install cuda13\` makes it (or name another: PYTHON=/path/to/python)" >&2
  exit 2
fi

read -r -a hosts <<<"$1"
shift
address=${hosts[0]#*@}
if [ "$address" = localhost ]; then
  address=127.0.0.1
  for host in "${hosts[@]}"; do
    if [ "$host" != localhost ]; then
      echo "gan_jax: localhost: the other machines need the first one's address" >&2
      exit 2
    fi
  done
fi
logs=$(mktemp -d "${TMPDIR:-/tmp}/gan_jax_hosts.XXXXXX")
processes=()
trap 'kill -TERM "${processes[@]}" 2>/dev/null || true' INT TERM

# The part of the visible GPUs that process $2 of $3 on this machine gets.
part_of() {
  local visible=$1 index=$2 count=$3
  local -a all
  IFS=, read -r -a all <<<"$visible"
  local each=$((${#all[@]} / count))
  (IFS=,; echo "${all[*]:$((index * each)):$each}")
}

gpus=${CUDA_VISIBLE_DEVICES:-$(nvidia-smi --query-gpu=index --format=csv,noheader 2>/dev/null | paste -sd, - || true)}
here=0
local_count=$(printf '%s\n' "${hosts[@]}" | grep -cx localhost || true)
for i in "${!hosts[@]}"; do
  command=("$python" -m gan_jax "$@" "--hosts=${#hosts[@]}" "--coordinator=$address:${PORT:-8476}" "--host=$i")
  # Not /dev/stderr: opening a file anew would cut it.
  if [ "$i" = 0 ]; then exec 3>&2; else exec 3>"$logs/$i.txt"; fi
  if [ "${hosts[$i]}" = localhost ]; then
    if [ "$local_count" -gt 1 ] && [ -n "$gpus" ]; then
      CUDA_VISIBLE_DEVICES=$(part_of "$gpus" "$here" "$local_count") "${command[@]}" >&3 2>&3 3>&- &
    else
      "${command[@]}" >&3 2>&3 3>&- &
    fi
    here=$((here + 1))
  else
    # -tt: when this end goes, the other end is told.
    ssh -tt "${hosts[$i]}" "cd $(printf %q "$PWD") && exec $(printf '%q ' "${command[@]}")" >&3 2>&3 3>&- </dev/null &
  fi
  processes+=($!)
  [ "$i" = 0 ] || echo "host $i: ${hosts[$i]}, $logs/$i.txt" >&2
done

code=0
for process in "${processes[@]}"; do
  # A signal ends `wait` before the process has ended: it is saving.
  while kill -0 "$process" 2>/dev/null; do wait "$process" || true; done
  wait "$process" || { last=$?; [ "$code" = 0 ] && code=$last; }
done
exit "$code"
