#!/usr/bin/env bash
# Fuzzes every target, or those named, for a number of seconds each.
#
#   tests/fuzz/run.sh [SECONDS] [TARGET...]
#
# Coverage comes from LLVM's sanitizer coverage, which a stable compiler has as a pass; nothing but a C++
# compiler for libFuzzer is needed. Corpora and what was found lie in the folder FUZZ_HOME, or in
# target/fuzz; a finding ends the run with a status other than 0.
set -euo pipefail

seconds=${1:-10}
shift $(($# < 1 ? $# : 1))
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(json yaml hcl extract evaluate simulate)

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
home=${FUZZ_HOME:-$root/target/fuzz}
host=$(rustc -vV | sed -n 's/^host: //p')

# With --target, build scripts and macros are left as they are.
export RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1"
cargo build --locked --quiet --release --manifest-path "$here/Cargo.toml" --target "$host" --target-dir "$home/build"

# Each reader starts from the fixtures of its formats, simulate from the recorded requests.
seed() {
    local corpus=$1 pattern=$2
    find "$root/fixtures" -type f -regex "$pattern" -size -40k 2>/dev/null |
        while read -r file; do cp "$file" "$corpus/$(sha1sum "$file" | cut -c1-16)"; done
}

for target in "${targets[@]}"; do
    corpus="$home/corpus/$target"
    mkdir -p "$corpus" "$home/found/$target"
    case $target in
        json) seed "$corpus" '.*\.json' ;;
        hcl) seed "$corpus" '.*\.\(tf\|tf\.json\|tftpl\)' ;;
        yaml) seed "$corpus" '.*\.ya?ml' ;;
        extract) seed "$corpus" '.*' ;;
        evaluate) find "$here/corpus/evaluate" -type f -exec cp {} "$corpus/" ';' ;;
        simulate) ;;
    esac
    if [ "$target" = simulate ]; then
        sed -n 's/.*"request"://; s/}$//p' "$root/tests/simulate/requests.jsonl" |
            split --lines=1 --suffix-length=4 - "$corpus/recorded-"
    fi
    echo "== $target, $seconds seconds"
    # A second for 100 KB is too long; so is memory out of proportion.
    log="$home/found/$target.log"
    status=0
    "$home/build/$host/release/$target" "$corpus" -max_total_time="$seconds" -max_len=20000 -timeout=5 \
        -rss_limit_mb=2048 -artifact_prefix="$home/found/$target/" -print_final_stats=1 -verbosity=1 \
        >"$log" 2>&1 || status=$?
    grep -E '^(stat::|==|#[0-9]+\s+DONE|SUMMARY|thread)|panicked' "$log" || true
    [ "$status" -eq 0 ] || { echo "$target ended with $status: $log"; exit 1; }
    if [ -n "$(ls -A "$home/found/$target")" ]; then
        echo "found: $(ls "$home/found/$target")"
        exit 1
    fi
done
