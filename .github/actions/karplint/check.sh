#!/usr/bin/env bash
# Runs karplint as a step: annotations on standard output, a summary on the run's page, SARIF where asked for.
set -uo pipefail

# Split at white space, but take no `*` for files of this folder: karplint reads globs itself.
set -f
# shellcheck disable=SC2206
paths=(${KARPLINT_PATHS:-.}) more=(${KARPLINT_ARGS:-})
arguments=(--format github)
[ -z "${KARPLINT_KARPENTER:-}" ] || arguments+=(--karpenter "$KARPLINT_KARPENTER")
[ -z "${KARPLINT_SARIF:-}" ] || arguments+=(--output "sarif=$KARPLINT_SARIF")
[ -z "${GITHUB_STEP_SUMMARY:-}" ] || arguments+=(--output "markdown=$GITHUB_STEP_SUMMARY")

karplint check "${arguments[@]}" ${more[@]+"${more[@]}"} -- "${paths[@]}"
code=$?
[ -z "${GITHUB_OUTPUT:-}" ] || echo "exit-code=$code" >>"$GITHUB_OUTPUT"
exit "$code"
