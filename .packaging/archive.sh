#!/usr/bin/env bash
# Packs the built binary of a target with its licences into dist/, with a checksum beside it.
set -euo pipefail
cd "$(dirname "$0")/.."

target=$1
name=karplint
case "$target" in *windows*) name=karplint.exe ;; esac
mkdir -p dist
folder=$(mktemp -d)
cp "${CARGO_TARGET_DIR:-target}/$target/release/$name" LICENSE-APACHE LICENSE-MIT README.md "$folder"
archive="karplint-$target.tar.gz"
# Names in order, no owner and no time of their own: equal files make equal archives.
if tar --version 2>/dev/null | grep -q GNU; then
    tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -C "$folder" -cf - . | gzip -n >"dist/$archive"
else
    tar -C "$folder" -czf "dist/$archive" .
fi
cd dist
if command -v sha256sum >/dev/null; then sha256sum "$archive" >"$archive.sha256"; else shasum -a 256 "$archive" >"$archive.sha256"; fi
