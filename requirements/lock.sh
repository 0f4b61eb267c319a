#!/bin/sh
# Renew both lock files: versions and hashes, for every Python from 3.11 on, with no index named.
set -eu
cd "$(dirname "$0")/.."
common="--universal --generate-hashes --no-emit-index-url --no-header --no-annotate --python-version 3.11 --quiet"
uv pip compile $common pyproject.toml requirements/build.in -o requirements/run.lock
uv pip compile $common pyproject.toml requirements/build.in --group dev -c requirements/run.lock -o requirements/dev.lock
