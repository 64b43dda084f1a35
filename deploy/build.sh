#!/bin/sh
# Builds what install.sh installs from: the wheel of every distribution of this checkout, and constraints.txt, the
# versions of third parties that uv.lock has, which are those that the tests ran with.
#
# usage: build.sh WHEELS
#
# WHEELS is the directory that they are written to. UV names the uv to use, where it is not on the PATH; PYTHON the
# Python, where uv is not to look for one.
set -eu

fail() {
    printf 'build.sh: %s\n' "$1" >&2
    exit 2
}

[ $# -eq 1 ] || fail 'usage: build.sh WHEELS'
wheels=$1
uv=${UV:-uv}
command -v "$uv" >/dev/null || fail "there is no $uv; install it (pip install uv), or name it with UV=/path/to/uv"

checkout=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$wheels" || fail "$wheels cannot be written to; name another directory"
wheels=$(cd "$wheels" && pwd)

[ -z "${PYTHON:-}" ] || export UV_PYTHON="$PYTHON"

# What an earlier build has left there would be installed beside the new.
rm -f "$wheels"/schedulezero*.whl
cd "$checkout"
"$uv" build --quiet --wheel --all-packages --out-dir "$wheels"
"$uv" export --quiet --frozen --all-packages --all-extras --no-dev --no-emit-workspace \
    --no-hashes --no-header --no-annotate --output-file "$wheels/constraints.txt" >/dev/null
