"""pg8000: a driver in Python alone, extended protocol, types by its own table."""

import os
import sys
import urllib.parse

import pg8000.native
import pg8000.dbapi

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from report import Result, step, url, version  # noqa: E402
from statements import STATEMENTS  # noqa: E402

parts = urllib.parse.urlparse(url())
where = {"user": parts.username, "host": parts.hostname, "port": parts.port, "database": parts.path[1:]}
connection = None


def connect():
    global connection
    connection = pg8000.dbapi.connect(**where, application_name="steps")
    connection.autocommit = True
    return True


def run(sql, parameters=()):
    cursor = connection.cursor()
    cursor.execute(sql, parameters)
    if cursor.description is None:
        return "done"
    return Result([column[:2] for column in cursor.description], cursor.fetchall())


def native():
    one = pg8000.native.Connection(**where)
    try:
        rows = one.run("SELECT user_name FROM users WHERE user_name = :name", name="MAIN")
        statement = one.prepare("SELECT :a::int4 + 1")
        return [rows, statement.run(a=1), statement.run(a=2), one.columns[0]["type_oid"]]
    finally:
        one.close()


version("pg8000 " + __import__("importlib.metadata").metadata.version("pg8000"))
step("connect", connect)
for name, sql, parameters in STATEMENTS:
    step(name, run, sql, parameters)
step("native", native)
step("no such database", lambda: pg8000.dbapi.connect(**{**where, "database": "no_such_database"}))
connection.close()
