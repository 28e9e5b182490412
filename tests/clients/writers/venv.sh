#!/bin/sh
# Makes a virtual environment for each tool that grants, with pinned releases, and prints each one's folder.
# usage: venv.sh DIRECTORY     (an environment that is already complete is left as it is)
#
# permifrost 0.15.5 does not run with what its own pins bring today: SQLAlchemy 2 took away what it calls.
set -eu
home=$1
mkdir -p "$home"
. "$(dirname "$0")/../make_venv.sh"
make permifrost permifrost==0.15.5 SQLAlchemy==1.4.54 snowflake-sqlalchemy==1.7.7 snowflake-connector-python==3.18.1
make snow snowflake-cli==3.30.0
make tundra tundra-cli==1.0.4
make snowcap snowcap==1.0.33
