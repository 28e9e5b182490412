#!/bin/sh
# Makes a virtual environment for the Python guide and one for the dbt example, with pinned releases, and prints each
# one's folder. dbt-core 2 downloads a part of itself from elsewhere; 1.11 does not.
# usage: venv.sh DIRECTORY     (an environment that is already complete is left as it is)
set -eu
home=$1
mkdir -p "$home"
. "$(dirname "$0")/../make_venv.sh"
make guide-python "psycopg[binary]==3.2.10" matplotlib==3.10.6 pandas==2.3.2 SQLAlchemy==2.0.43
make guide-dbt "dbt-core==1.11.*" "dbt-postgres<1.11"
