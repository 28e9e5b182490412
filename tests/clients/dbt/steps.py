"""dbt on a project that checks grantd's views: debug, compile, show, test, source freshness, docs generate; a model is refused."""

import contextlib
import importlib.metadata
import io
import json
import os
import shutil
import sys
import tempfile
import urllib.parse

os.environ.update(DO_NOT_TRACK="1", DBT_SEND_ANONYMOUS_USAGE_STATS="false")
from dbt.cli.main import dbtRunner  # noqa: E402

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import report  # noqa: E402

parts = urllib.parse.urlparse(report.url())
PROFILE = f"""
access:
  target: it
  outputs:
    it:
      type: postgres
      host: {parts.hostname}
      port: {parts.port}
      user: {parts.username}
      password: ""
      dbname: {parts.path[1:]}
      schema: public
      threads: 2
"""


def dbt(folder, *arguments):
    where = ["--project-dir", folder, "--profiles-dir", folder, "--log-path", os.path.join(folder, "logs")]
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        result = dbtRunner().invoke(["--quiet", "--no-use-colors", *arguments, *where])
    found = []
    for one in getattr(result.result, "results", None) or []:
        node = getattr(one, "node", None)
        table = getattr(one, "agate_table", None)
        found.append([getattr(node, "name", ""), str(getattr(one, "status", "")), getattr(one, "failures", None),
                      [[str(cell) for cell in row] for row in table.rows] if table is not None else None])
    said = str(result.exception) if result.exception and not found else None
    return [result.success, said, sorted(found, key=str)]


def refused(folder):
    """The message of the database in what a run of a model says."""
    result = dbtRunner().invoke(["--quiet", "run", "--project-dir", folder, "--profiles-dir", folder,
                                 "--log-path", os.path.join(folder, "logs")])
    return [one.message.strip().splitlines()[0:2] for one in result.result.results]


def documented(folder):
    outcome = dbt(folder, "docs", "generate")
    with open(os.path.join(folder, "target", "catalog.json")) as file:
        sources = json.load(file)["sources"]
    for one in sources.values():
        one.pop("stats", None)
    return [outcome[0], {name: sources[name] for name in sorted(sources)}]


def main():
    report.version(", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("dbt-core", "dbt-postgres")))
    with tempfile.TemporaryDirectory() as temporary:
        folder = os.path.join(temporary, "project")
        shutil.copytree(os.path.join(os.path.dirname(__file__), "project"), folder)
        with open(os.path.join(folder, "profiles.yml"), "w") as file:
            file.write(PROFILE)
        report.step("debug", dbt, folder, "debug")
        report.step("list", dbt, folder, "list")
        report.step("compile", dbt, folder, "compile")
        report.step("show", dbt, folder, "show", "--inline",
                    "select user_name, disabled from {{ source('grantd', 'users') }} order by user_name")
        report.step("test", dbt, folder, "test")
        report.step("source freshness", dbt, folder, "source", "freshness")
        report.step("docs generate", documented, folder)
        report.step("run", refused, folder)


main()
