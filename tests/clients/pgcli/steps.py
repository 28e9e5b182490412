"""pgcli: what it asks to complete words, its own backslash commands, and its way to run statements."""

import importlib.metadata
import os
import sys
import urllib.parse

from pgcli.pgexecute import PGExecute
from pgspecial.main import PGSpecial

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from report import Result, step, url, version  # noqa: E402

parts = urllib.parse.urlparse(url())
executor = None


def connect():
    global executor
    executor = PGExecute(parts.path[1:], parts.username, None, parts.hostname, parts.port, None, application_name="steps")
    return [executor.dbname, executor.user, executor.superuser, executor.server_version.split(".")[0]]


def plain(value):
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: plain(item) for name, item in value._asdict().items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value if isinstance(value, (str, int, bool, type(None))) else str(value)


def listed(method, *arguments):
    found = getattr(executor, method)(*arguments)
    # The rows of PostgreSQL's views are in tables of this name.
    return plain([row for row in found if not (isinstance(row, tuple) and str(row[1:2]).startswith("('rows_of_"))])


def functions():
    return sorted(plain([[f.schema_name, f.func_name, f.arg_names, f.arg_types, f.arg_modes, f.return_type, f.is_aggregate,
                          f.is_window, f.is_set_returning] for f in executor.functions() if f.schema_name == "public"]))


def run(sql):
    results = []
    for title, rows, headers, status, _, ok, special in executor.run(sql, pgspecial=PGSpecial(), on_error_resume=True):
        if not ok:
            raise RuntimeError(status)
        results.append([title, plain(headers), plain(list(rows)) if rows else [], status])
    return results


version("pgcli " + importlib.metadata.version("pgcli"))
step("connect", connect)
for method in ("search_path", "schemata", "tables", "views", "databases", "full_databases", "foreignkeys"):
    step(method, listed, method)
step("view columns", lambda: sorted(listed("view_columns")))
step("table columns", lambda: sorted(listed("table_columns")))
step("functions", functions)
step("data types", lambda: [row for row in listed("datatypes") if row[0] == "public"])
step("casing", lambda: len(listed("casing")) > 0)
step("view definition", lambda: executor.view_definition("users").split("\n")[0])
step("function definition", lambda: executor.function_definition("who_can").split("\n")[0])
step("is autocommit", lambda: executor.valid_transaction())
for sql in (
    "SELECT user_name FROM users ORDER BY 1", "SELECT 1; SELECT 2", "\\d", "\\dv", "\\d users", "\\dn", "\\df who_can", "\\du", "\\l",
    "\\dt", "\\dT", "\\db", "\\dx", "\\di", "\\ds", "\\dm", "\\dp users", "\\ddp", "\\dE", "SELECT * FROM no_such", "INSERT INTO users VALUES ('x')",
):
    step(sql, run, sql)
