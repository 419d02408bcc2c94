#!/bin/sh
# Makes the command line's environment in .heisenbug/venv, with whatever working Python 3.11 to 3.14 there is.
# A name on the PATH may be a shim for an interpreter that is not installed, so each candidate is tried.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
home=${HEISENBUG_HOME:-$root/.heisenbug}
requirements=${1:-$root/cli/requirements.txt}
environment=${2:-venv}
export UV_PYTHON_DOWNLOADS=never

works='import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))'
find_python() {
  for candidate in "${PYTHON:-}" python3.13 python3.12 python3.14 python3.11 python3 python \
    "$HOME"/.pyenv/versions/3.1[1-4]*/bin/python3 /opt/homebrew/bin/python3 /usr/local/bin/python3; do
    if [ -n "$candidate" ] && "$candidate" -c "$works" >/dev/null 2>&1; then
      "$candidate" -c 'import sys; print(sys.executable)'
      return
    fi
  done
  echo 'No working Python 3.11 to 3.14 was found; install one (python.org, apt, brew), or name it: make up PYTHON=/path/to/python3.' >&2
  exit 1
}

find_uv() {
  if uv --version >/dev/null 2>&1; then command -v uv; return; fi
  if [ ! -x "$home/uv/bin/uv" ]; then
    "$python" -m venv "$home/uv" >&2
    "$home/uv/bin/python" -m pip install -q --disable-pip-version-check uv >&2 || {
      echo 'The package uv could not be installed: look at the network, then try again.' >&2
      rm -rf "$home/uv"; exit 1; }
  fi
  echo "$home/uv/bin/uv"
}

mkdir -p "$home"
if [ -f "$home/python" ] && "$(cat "$home/python")" -c "$works" >/dev/null 2>&1 && [ -z "${PYTHON:-}" ]; then
  python=$(cat "$home/python")
else
  python=$(find_python)
  echo "$python" >"$home/python"
fi
uv=$(find_uv)
echo "$uv" >"$home/uv-path"
[ -x "$home/$environment/bin/python" ] && "$home/$environment/bin/python" -c '' >/dev/null 2>&1 || "$uv" venv -q --clear --python "$python" "$home/$environment"
# The pins name everything that is needed, and not what some package asks for in vain (layers/ccxt/overrides.txt).
"$uv" pip install -q --python "$home/$environment/bin/python" --no-deps --require-hashes -r "$requirements"
packages=$("$home/$environment/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
printf '%s\n%s\n' "$root/layers/heisenbug" "$root" >"$packages/heisenbug-checkout.pth"
cat >"$home/$environment/bin/heisenbug" <<END
#!$home/$environment/bin/python
from cli.main import main
main()
END
chmod +x "$home/$environment/bin/heisenbug"
cp "$requirements" "$home/$environment/requirements.txt"
