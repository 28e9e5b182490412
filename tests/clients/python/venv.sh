#!/bin/sh
# Makes the virtual environment of the Python clients, and prints its python.
# usage: venv.sh DIRECTORY     (an environment that is already complete is left as it is)
set -eu
home=$1
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../make_venv.sh"
# shellcheck disable=SC2046 # one requirement each
printf '%s/bin/python\n' "$(make clients $(cat "$here/requirements.txt"))"
