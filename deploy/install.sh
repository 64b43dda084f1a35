#!/bin/sh
# Installs distributions of ScheduleZero into a new virtual environment. The project's own come from their wheels and
# nowhere else; third parties come from the package index that uv or pip is set up for, in the versions of
# constraints.txt where that lies beside the wheels.
#
# usage: install.sh WHEELS VENV DISTRIBUTION...
#
# WHEELS is a directory that build.sh has filled, VENV a directory that is not there yet, a DISTRIBUTION a name such as
# schedulezero-scheduler, with extras if need be: 'schedulezero-scheduler-core[postgresql]'.
# PYTHON names the Python to use (python3 if left out), UV the uv; where there is no uv, pip does.
set -eu

fail() {
    printf 'install.sh: %s\n' "$1" >&2
    exit 2
}

check_wheels() {
    [ -d "$wheels" ] || fail "there is no directory $wheels; let build.sh make it"
    many=$(cd "$wheels" && for wheel in *.whl; do printf '%s\n' "${wheel%%-*}"; done | sort | uniq -d)
    [ -z "$many" ] || fail "$wheels has several wheels of $(echo "$many" | head -n 1); leave one of each"
    for distribution in "$@"; do
        [ -n "$(wheel_of "$distribution")" ] || fail "$wheels has no wheel of $distribution; let build.sh make it"
    done
}

# The file of a distribution; wheels are named with underscores, and extras are no part of the name.
wheel_of() {
    name=$(printf '%s' "${1%%\[*}" | tr 'A-Z.-' 'a-z__')
    for wheel in "$wheels/$name"-*.whl; do
        [ ! -f "$wheel" ] || printf '%s' "$wheel"
    done
}

check_python() {
    asked=${PYTHON:-python3}
    python=$(command -v "$asked") || fail "there is no $asked; install Python 3.12 or newer, or name one with PYTHON=…"
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 12))' ||
        fail "$python is older than Python 3.12; name a newer one with PYTHON=…"
}

check_target() {
    [ ! -e "$venv" ] || fail "$venv is there already; name a new directory, or remove it"
    mkdir -p "$(dirname "$venv")" || fail "$venv cannot be made; name another directory"
}

write_constraints() {
    [ ! -f "$wheels/constraints.txt" ] || cat "$wheels/constraints.txt"
    # A requirement that is a file is never looked for on an index.
    requirements "$wheels"/*.whl
}

# NAME[EXTRAS] @ FILE for each distribution.
write_requirements() {
    for distribution in "$@"; do
        extras=${distribution#"${distribution%%\[*}"}
        requirements "$(wheel_of "$distribution")" | sed "s/ /$extras /"
    done
}

requirements() {
    "$python" -c '
import sys
from pathlib import Path
for wheel in map(Path, sys.argv[1:]):
    print(wheel.name.partition("-")[0], "@", wheel.resolve().as_uri())
' "$@"
}

install_with_uv() {
    "$uv" venv --quiet --python "$python" "$venv"
    "$uv" pip install --quiet --compile-bytecode --python "$venv/bin/python" \
        --constraint "$work/constraints.txt" --requirement "$work/requirements.txt"
    "$uv" pip check --quiet --python "$venv/bin/python"
}

install_with_pip() {
    "$python" -m venv "$venv" ||
        fail "$python makes no environment; install its venv module (Debian, Ubuntu: apt-get install python3-venv), or uv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
        --constraint "$work/constraints.txt" --requirement "$work/requirements.txt"
    "$venv/bin/python" -m pip --quiet --disable-pip-version-check check
}

# Each program of what was asked for can be loaded, so nothing that it imports is missing.
check_programs() {
    "$venv/bin/python" -c '
import sys
from importlib.metadata import distribution
for name in sys.argv[2:]:
    installed = distribution(name.partition("[")[0])
    for program in installed.entry_points.select(group="console_scripts"):
        program.load()
    print(f"installed {name} {installed.version} in {sys.argv[1]}")
' "$venv" "$@"
}

tidy() {
    rm -rf "$work"
    [ -n "$installed" ] || rm -rf "$venv"
}

[ $# -ge 3 ] || fail 'usage: install.sh WHEELS VENV DISTRIBUTION...'
wheels=$1 venv=$2
shift 2
check_wheels "$@"
check_python
check_target

work=$(mktemp -d) installed=
trap tidy EXIT
trap 'exit 1' HUP INT TERM
write_constraints >"$work/constraints.txt"
write_requirements "$@" >"$work/requirements.txt"

uv=${UV:-$(command -v uv || true)}
if [ -n "$uv" ]; then install_with_uv; else install_with_pip; fi
check_programs "$@"
installed=yes
