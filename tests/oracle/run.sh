#!/usr/bin/env bash
# Compares `karplint simulate` with another evaluator on generated requests.
#
#   tests/oracle/run.sh ORACLE MODULES [COUNT] [SEED...]
#
# ORACLE   the folder with gen.py, compare.py and oracle.mjs
# MODULES  a folder in which `npm install` was run with the oracle's package.json (Node 20 or later)
# COUNT    requests of each seed, 20000 if not given; SEED five seeds if none are given
#
# The other evaluator is under the AGPL: it is run, never linked, shipped or copied from.
# Exit status: 0 all agree, 1 some differ, 2 something did not run.
set -euo pipefail

oracle=${1:?the folder of the oracle}
modules=${2:?the folder with its node_modules}
count=${3:-20000}
shift $(($# < 3 ? $# : 3))
seeds=("$@")
[ ${#seeds[@]} -gt 0 ] || seeds=(1 2 3 4 5)

root=$(cd "$(dirname "$0")/../.." && pwd)
karplint=${KARPLINT:-}
if [ -z "$karplint" ]; then
    (cd "$root" && cargo build --release --quiet)
    karplint="$root/target/release/karplint"
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

status=0
for seed in "${seeds[@]}"; do
    echo "seed $seed"
    python3 "$oracle/gen.py" --seed "$seed" --count "$count" --meta "$scratch/meta" >"$scratch/requests"
    python3 "$oracle/compare.py" --input "$scratch/requests" --meta "$scratch/meta" \
        --fields decision,matched,missing --show 3 \
        --a "$karplint simulate --request -" \
        --b "node $oracle/oracle.mjs --modules $modules" || status=$?
    [ "$status" -lt 2 ] || exit 2
done
exit "$status"
