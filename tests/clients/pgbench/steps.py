"""pgbench: a script of its own in each of its three protocols; -i, which writes, is refused."""

import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import report  # noqa: E402

SCRIPT = "\\set n random(1, 3)\nSELECT user_name FROM users ORDER BY user_name LIMIT :n;\n"


def pgbench(*arguments):
    done = subprocess.run(["pgbench", *arguments, report.url()], capture_output=True, text=True, timeout=60)
    lines = [line for line in (done.stdout + done.stderr).splitlines()
             if re.match(r"number of (transactions|failed)|pgbench: error|query mode|FATAL|ERROR", line)]
    return [done.returncode, lines]


def main():
    text = subprocess.run(["pgbench", "--version"], capture_output=True, text=True).stdout
    report.version("pgbench " + re.search(r"(\d+)\.", text).group(1))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "script.sql")
        with open(path, "w") as file:
            file.write(SCRIPT)
        for protocol in ("simple", "extended", "prepared"):
            report.step(protocol, pgbench, "-n", "-f", path, "-M", protocol, "-c", "2", "-t", "10")
    report.step("initialize", pgbench, "-i", "-q")


main()
