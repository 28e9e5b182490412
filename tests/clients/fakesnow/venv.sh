#!/bin/sh
# Makes the virtual environment of fakesnow, pinned, and prints its folder.
# usage: venv.sh DIRECTORY     (an environment that is already complete is left as it is)
#
# fakesnow 0.12.1 does not start with connector 5: it uses modules that 5 no longer has.
set -eu
home=$1
. "$(dirname "$0")/../make_venv.sh"
make fakesnow "fakesnow[server]==0.12.1" snowflake-connector-python==4.8.1
