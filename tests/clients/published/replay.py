"""Statements that clients publish and that cannot run here, one after another by the simple protocol.

usage: replay.py URL FILE

A line of FILE starts a statement and says what of its answer is compared: `-- name:` all, `-- any order:` all, but the rows are
sorted, as nothing sorts them, and `-- columns:` no rows, as they are about the server that answers."""

import os
import re
import sys

import psycopg
from psycopg import pq

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from report import Result, step, url, version  # noqa: E402

# Types whose values are oids: those of the objects of a database differ between servers.
OIDS = {26, 24, 2202, 2203, 2204, 2205, 2206, 4089, 4096}


def statements(path):
    with open(path) as file:
        parts = re.split(r"^-- (name|any order|columns): (.*)\n", file.read(), flags=re.M)
    return list(zip(parts[1::3], parts[2::3], parts[3::3]))


class Failed(Exception):
    def __init__(self, sqlstate, message):
        super().__init__(message)
        self.sqlstate = sqlstate


def cell(result, row, column):
    value = result.get_value(row, column)
    if value is None:
        return None
    text = value.decode()
    if result.ftype(column) in OIDS and text.isdigit() and int(text) >= 16384:
        return "an oid of this database"
    # Minor releases mark attributes so.
    if re.fullmatch(r"\{pg_attver=\d+\}", text):
        return None
    # The release differs.
    return re.sub(r"^PostgreSQL (\d+)\..*", r"PostgreSQL \1", text)


def rows_of(result, kind):
    rows = [[cell(result, row, column) for column in range(result.nfields)] for row in range(result.ntuples)]
    if kind == "any order":
        rows.sort(key=lambda row: [(value is not None, value or "") for value in row])
    tag = (result.command_status or b"").decode()
    return [tag.split(" ")[0], []] if kind == "columns" else [tag, rows]


def run(connection, kind, sql):
    connection.pgconn.send_query(sql.encode())
    columns, rows, failed = [], [], None
    while True:
        result = connection.pgconn.get_result()
        if result is None:
            break
        if result.status == pq.ExecStatus.FATAL_ERROR:
            message = result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY).decode()
            failed = Failed(result.error_field(pq.DiagnosticField.SQLSTATE).decode(), message)
            continue
        columns.append([[result.fname(n).decode(), result.ftype(n), result.fmod(n)] for n in range(result.nfields)])
        rows.append(rows_of(result, kind))
    if failed:
        raise failed
    return Result(columns, rows)


version("statements of " + re.search(r"-- (.*?)[:,]", open(sys.argv[2]).readline()).group(1))
with psycopg.connect(url(), autocommit=True) as connection:
    for kind, name, sql in statements(sys.argv[2]):
        step(name, run, connection, kind, sql)
        if connection.info.transaction_status == pq.TransactionStatus.INERROR:
            connection.pgconn.exec_(b"ROLLBACK")
