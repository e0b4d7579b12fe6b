#!/usr/bin/env bash
# Builds what is published from what is here, installs it where nothing else is, and uses it: the wheel, both hooks with the
# real pre-commit, the steps of the GitHub Action, the archive of a release, and the image where a Docker daemon runs.
# Builds are quick ones: what is tested is how things are packed, not how fast they run.
set -euo pipefail
cd "$(dirname "$0")/../.."

root=$PWD
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$root/target}/packages
export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_OPT_LEVEL=0

step() { printf '\n== %s\n' "$*"; }
fail() { echo "FAILED: $*" >&2; exit 1; }

# exits CODE COMMAND...: what it prints is kept in $scratch/out.
exits() {
    local expected=$1 code=0
    shift
    "$@" >"$scratch/out" 2>&1 || code=$?
    [ "$code" -eq "$expected" ] || { cat "$scratch/out"; fail "exit $code, not $expected: $*"; }
}
says() { grep -qF -- "$1" "$scratch/out" || { cat "$scratch/out"; fail "no \`$1\` in this"; }; }
silent() { ! grep -qF -- "$1" "$scratch/out" || { cat "$scratch/out"; fail "\`$1\` in this"; }; }

bad=fixtures/json/err/create-fleet-missing.json
python=$(command -v python3) || { echo "no Python: left out"; exit 0; }
"$python" -m venv "$scratch/tools" 2>/dev/null || { echo "Python without venv: left out"; exit 0; }
"$scratch/tools/bin/pip" install --quiet 'maturin>=1.9,<2' pre-commit 2>/dev/null ||
    { echo "maturin and pre-commit are not to be had: left out"; exit 0; }
export PATH=$scratch/tools/bin:$PATH

step "the wheel"
exits 0 env -C .packaging/python maturin build --release --locked --out "$scratch/wheels"
wheel=$(ls "$scratch"/wheels/karplint-*.whl)
"$python" -m venv "$scratch/clean"
exits 0 "$scratch/clean/bin/pip" install --no-index "$wheel"
exits 0 "$scratch/clean/bin/karplint" --version
says "karplint $(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)"
exits 1 "$scratch/clean/bin/karplint" check "$bad"
says 'no statement grants `ec2:CreateFleet`'

step "pre-commit: a repository that takes the hooks from a clone"
git clone --quiet --no-hardlinks "$root" "$scratch/clone"
git init --quiet "$scratch/repository"
cd "$scratch/repository"
git config user.name tester && git config user.email tester@example.com
export PRE_COMMIT_HOME=$scratch/pre-commit
hooks() { # HOOK...
    { printf 'repos:\n- repo: %s\n  rev: %s\n  hooks:\n' "$scratch/clone" "$(git -C "$scratch/clone" rev-parse HEAD)"
      for hook in "$@"; do printf '  - id: %s\n' "$hook"; done; } >.pre-commit-config.yaml
}
hooks karplint
mkdir -p good other/templates
cp "$root/fixtures/json/ok/karpenter-1.14.json" good/policy.json
printf '{\n  // for editors\n  "compilerOptions": {"strict": true,},\n}\n' >other/tsconfig.json
printf 'kind: ConfigMap\nmetadata:\n  name: {{ include "x" . }}\n{{- if .Values.on }}\ndata: {}\n{{- end }}\n' >other/templates/map.yaml
printf '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}]}\n' >other/s3.json
git add -A
exits 0 pre-commit run --all-files
says "Passed"
silent "s3.json"; silent "tsconfig"; silent "map.yaml"

step "pre-commit: a bad policy fails with the finding"
mkdir bad && cp "$root/$bad" bad/policy.json && git add -A
exits 1 pre-commit run --all-files
says 'error[missing-permission]: no statement grants `ec2:CreateFleet`'
says "bad/policy.json:8:9"

step "pre-commit: one changed file of a controller brings the others along"
mkdir module
printf 'resource "aws_iam_role_policy" "launch" {\n  role   = aws_iam_role.karpenter.name\n  policy = data.aws_iam_policy_document.launch.json\n}\nresource "aws_iam_role" "karpenter" {\n  name = "KarpenterController"\n}\n' >module/role.tf
printf 'data "aws_iam_policy_document" "launch" {\n  statement {\n    actions   = ["ec2:RunInstances"]\n    resources = ["*"]\n  }\n}\n' >module/policy.tf
git add -A && git commit --quiet --no-verify -m "all"
exits 1 pre-commit run --files module/role.tf
says "module/policy.tf"

step "pre-commit: the fixer writes, and the second run passes"
rm -r module bad && mkdir bad
sed 's/ec2:CreateFleet"/ec2:CreateFleets"/; s/"ec2:RunInstances",/"ec2:RunInstance",/' good/policy.json >bad/policy.json
cmp -s good/policy.json bad/policy.json && fail "nothing was broken"
hooks karplint-fix
git add -A && git commit --quiet --no-verify -m "broken"
exits 1 pre-commit run --all-files
says "files were modified by this hook"
git add -A
exits 0 pre-commit run --all-files
cmp good/policy.json bad/policy.json || fail "the fix is not what was broken"

step "pre-commit: language python, from the wheel"
printf 'repos:\n- repo: local\n  hooks:\n  - id: karplint\n    name: karplint\n    language: python\n    entry: karplint check --hook\n    additional_dependencies: ["%s"]\n    files: "[.]json$"\n    require_serial: true\n' "$wheel" >.pre-commit-config.yaml
cp "$root/$bad" bad/policy.json && git add -A
exits 1 pre-commit run --all-files
says 'no statement grants `ec2:CreateFleet`'
cd "$root"

step "the GitHub Action: installing a release"
target=$(rustc -vV | sed -n 's/^host: //p')
mkdir -p "$CARGO_TARGET_DIR/$target/release"
cp "$scratch/clean/bin/karplint" "$CARGO_TARGET_DIR/$target/release/karplint"
"$scratch/clone/.packaging/archive.sh" "$target"
release=$scratch/releases/v0
mkdir -p "$release"
# This machine's own binary stands in for the static one.
for name in x86_64-unknown-linux-musl aarch64-unknown-linux-musl x86_64-apple-darwin aarch64-apple-darwin; do
    cp "$scratch/clone/dist/karplint-$target.tar.gz" "$release/karplint-$name.tar.gz"
    (cd "$release" && sha256sum "karplint-$name.tar.gz" >"karplint-$name.tar.gz.sha256")
done
export GITHUB_PATH=$scratch/path KARPLINT_RELEASES=file://$scratch/releases
exits 0 env KARPLINT_VERSION=v0 .github/actions/karplint/install.sh
says "karplint "
installed=$(cat "$GITHUB_PATH")
echo "broken" >>"$release/karplint-x86_64-unknown-linux-musl.tar.gz"
echo "broken" >>"$release/karplint-aarch64-unknown-linux-musl.tar.gz"
exits 1 env KARPLINT_VERSION=v0 .github/actions/karplint/install.sh
silent "karplint 0"

step "the GitHub Action: its check"
action() {
    env PATH="$installed:$PATH" GITHUB_OUTPUT="$scratch/output" GITHUB_STEP_SUMMARY="$scratch/summary.md" \
        KARPLINT_SARIF="$scratch/out.sarif" "$@" .github/actions/karplint/check.sh
}
exits 1 action KARPLINT_PATHS="$bad fixtures/json/ok/karpenter-1.14.json" KARPLINT_KARPENTER=1.14
says "::error file=$bad,line=8"
grep -q '^exit-code=1$' "$scratch/output" || fail "the output says no exit code"
grep -q 'missing-permission' "$scratch/summary.md" || fail "the summary is empty"
"$python" -c 'import json,sys; assert json.load(open(sys.argv[1]))["runs"][0]["results"]' "$scratch/out.sarif"
exits 2 action KARPLINT_PATHS='$(touch '"$scratch"'/run-as-code)'
[ ! -e "$scratch/run-as-code" ] || fail "an input was run as code"

step "the image"
if docker info >/dev/null 2>&1; then
    exits 0 docker build --quiet --file .packaging/docker/Dockerfile --tag karplint-test .
    exits 1 docker run --rm --volume "$root:/work:ro" karplint-test check "$bad"
    says 'no statement grants `ec2:CreateFleet`'
else
    echo "no Docker daemon: left out"
fi
echo
echo "all packages work"
