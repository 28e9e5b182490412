# Sourced by venv.sh: make NAME REQUIREMENT...
# makes a virtual environment below $home, or leaves one that is complete as it is, and prints its folder.
make() {
    name=$1
    shift
    venv=$home/$name
    if [ "$(cat "$venv/.complete" 2>/dev/null || true)" != "$*" ]; then
        rm -rf "$venv"
        python3 -m venv "$venv"
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@" >&2
        printf '%s\n' "$*" >"$venv/.complete"
    fi
    printf '%s\n' "$venv"
}
