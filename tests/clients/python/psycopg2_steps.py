"""psycopg2: statements, client and server side cursors, COPY, transactions, cancelling."""

import io
import os
import sys
import threading

import psycopg2
import psycopg2.extensions
import psycopg2.extras

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from report import Result, step, url, version  # noqa: E402
from statements import STATEMENTS  # noqa: E402

connection = None


def run(sql, parameters=()):
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters or None)
        if cursor.description is None:
            return cursor.statusmessage
        return Result([(column.name, column.type_code) for column in cursor.description], cursor.fetchall())


def connect():
    global connection
    connection = psycopg2.connect(url(), application_name="steps")
    connection.autocommit = True
    return [connection.get_dsn_parameters()["dbname"], connection.encoding, connection.info.transaction_status,
            connection.server_version // 10000]


def named(**options):
    connection.autocommit = False
    try:
        with connection.cursor("C 1", **options) as cursor:
            cursor.itersize = 2
            cursor.execute("SELECT user_name FROM users ORDER BY 1")
            first = cursor.fetchone()
            cursor.scroll(1)
            return [first, cursor.fetchall()]
    finally:
        connection.rollback()
        connection.autocommit = True


def copy(sql):
    out = io.StringIO()
    with connection.cursor() as cursor:
        cursor.copy_expert(sql, out)
    return out.getvalue().splitlines()


def failed_transaction():
    connection.autocommit = False
    outcomes = []
    try:
        for sql in ("SELECT 1", "SELECT 1/0", "SELECT 1"):
            try:
                run(sql)
                outcomes.append("ok")
            except psycopg2.Error as error:
                outcomes.append([error.pgcode, type(error).__name__])
            outcomes.append(connection.info.transaction_status)
    finally:
        connection.rollback()
        connection.autocommit = True
    return outcomes


def savepoint():
    connection.autocommit = False
    try:
        run("SAVEPOINT a")
        try:
            run("SELECT 1/0")
        except psycopg2.Error:
            run("ROLLBACK TO SAVEPOINT a")
        result = run("SELECT 1")
        run("RELEASE SAVEPOINT a")
        return result
    finally:
        connection.rollback()
        connection.autocommit = True


def cancel():
    timer = threading.Timer(0.5, connection.cancel)
    timer.start()
    try:
        run("SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b, generate_series(1, 1000) c")
    finally:
        timer.join()


def timeout():
    run("SET statement_timeout = '300ms'")
    try:
        run("SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b, generate_series(1, 1000) c")
    finally:
        run("RESET statement_timeout")


def dictionaries():
    with connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
        cursor.execute("SELECT user_name, count(*) FROM users GROUP BY 1 ORDER BY 1")
        return cursor.fetchall()


def sessions():
    connection.set_session(readonly=True, isolation_level="REPEATABLE READ")
    try:
        return [run("SHOW transaction_isolation")[1], connection.isolation_level]
    finally:
        connection.set_session(readonly=False, isolation_level="DEFAULT")


def wrong(**changes):
    psycopg2.connect(url(), **changes).close()


version(f"psycopg2 {psycopg2.__version__.split()[0]}")
step("connect", connect)
for name, sql, parameters in STATEMENTS:
    step(name, run, sql, parameters)
step("named cursor", named)
step("named cursor with hold", named, withhold=True)
step("copy text", copy, "COPY (SELECT user_name, disabled FROM users ORDER BY 1) TO STDOUT")
step("copy csv", copy, "COPY (SELECT user_name, comment FROM users ORDER BY 1) TO STDOUT WITH (FORMAT csv, HEADER)")
step("copy from", lambda: connection.cursor().copy_expert("COPY users FROM STDIN", io.StringIO("x\n")))
step("failed transaction", failed_transaction)
step("savepoint", savepoint)
step("dictionaries", dictionaries)
step("isolation", sessions)
step("cancel", cancel)
step("after cancel", run, "SELECT 1")
step("timeout", timeout)
step("reset", lambda: connection.reset())
step("unicode", run, "SELECT %s, length(%s)", ("grün €", "grün €"))
step("no such database", wrong, dbname="no_such_database")
step("options", lambda: psycopg2.connect(url(), options="-c statement_timeout=1234").cursor().execute("SELECT 1"))
step("bad option", wrong, options="-c no_such_setting=1")
connection.close()
