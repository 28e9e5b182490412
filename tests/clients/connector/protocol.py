"""The official connector against the sandbox's protocol: logins, types, chunks, statuses, errors, faults.

usage: protocol.py PORT KEY_FILE WRONG_KEY_FILE     (prints the connector's version when all went well)
"""

import datetime
import decimal
import json
import os
import sys
import time
import urllib.request

# A wrong key is wrong the first time too.
os.environ["JWT_CNXN_RETRY_ATTEMPTS"] = "0"

import snowflake.connector  # noqa: E402
from snowflake.connector import errors  # noqa: E402

PORT, KEY, WRONG_KEY = int(sys.argv[1]), sys.argv[2], sys.argv[3]
VERSION = snowflake.connector.__version__
FOUR = VERSION.startswith("4.")


def connect(key=KEY, **more):
    return snowflake.connector.connect(
        user="alice", account="testacct", host="127.0.0.1", port=PORT, protocol="http",
        authenticator="SNOWFLAKE_JWT", private_key_file=key, login_timeout=20, network_timeout=20, **more)


def faults(*rules):
    request = urllib.request.Request(
        f"http://127.0.0.1:{PORT}/sandbox/faults", json.dumps(list(rules)).encode(),
        {"Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=10).read()


def no_faults():
    request = urllib.request.Request(f"http://127.0.0.1:{PORT}/sandbox/faults", method="DELETE")
    urllib.request.urlopen(request, timeout=10).read()


def meter():
    return json.load(urllib.request.urlopen(f"http://127.0.0.1:{PORT}/sandbox/statements", timeout=10))


def equal(found, expected, what):
    if found != expected:
        sys.exit(f"{VERSION}: {what}: found {found!r}, expected {expected!r}")


def fails(action, what):
    try:
        result = action()
    except errors.Error as error:
        return error
    sys.exit(f"{VERSION}: {what}: no error, but {str(result)[:200]!r}")


connection = connect(role="ANALYST", database="DB", schema="SCH", warehouse="WH")
cursor = connection.cursor()
equal((connection.role, connection.database, connection.schema, connection.warehouse), ("ANALYST", "DB", "SCH", "WH"),
      "names after login")

for form in ("ARROW", "JSON"):
    cursor.execute(f"ALTER SESSION SET PYTHON_CONNECTOR_QUERY_RESULT_FORMAT = {form}")
    cursor.execute("ALTER SESSION SET TIMEZONE = UTC")
    cursor.execute("SELECT * FROM TYPES")
    rows = cursor.fetchall()
    equal(len(rows), 2, f"{form}: rows of all types")
    equal(rows[1], (None,) * len(cursor.description), f"{form}: a row of NULLs")
    row = dict(zip([column[0] for column in cursor.description], rows[0]))
    utc = datetime.timezone.utc
    moment = datetime.datetime(2026, 1, 2, 3, 4, 5, 678901)
    for name, value in {
        "T": "héllo", "I": 42, "BIG": 2**62, "D": decimal.Decimal("1.25"), "B": True, "R": 1.5,
        "DT": datetime.date(2024, 10, 4), "TI": datetime.time(1, 2, 3, 4), "NTZ3": moment.replace(microsecond=678000),
        "NTZ9": moment, "BIN": b"\x01\xff", "VAR": '{\n  "b": 1,\n  "a": [\n    1.50,\n    null\n  ]\n}',
    }.items():
        equal(row[name], value, f"{form}: column {name}")
    for name in ("LTZ6", "LTZ9", "TZ3", "TZ9"):
        expected = moment.replace(tzinfo=utc, microsecond=678000 if name == "TZ3" else 678901)
        equal(row[name].astimezone(utc), expected, f"{form}: column {name}")

    cursor.execute("SELECT * FROM NUMBERS 350")
    equal(cursor.fetchall(), [(n, f"v{n}") for n in range(350)], f"{form}: a chunked result")
    equal(cursor.rowcount, 350, f"{form}: the row count of a chunked result")
    cursor.execute("SELECT * FROM NUMBERS 0")
    equal((cursor.fetchall(), [c[0] for c in cursor.description]), ([], ["ID", "V"]), f"{form}: an empty result")
cursor.execute("ALTER SESSION SET PYTHON_CONNECTOR_QUERY_RESULT_FORMAT = ARROW")

cursor.execute("SHOW THINGS 120")
equal([c[0] for c in cursor.description], ["created_on", "name"], "SHOW: columns")
rows = cursor.fetchall()
equal([row[1] for row in rows], [f"v{n}" for n in range(120)], "SHOW: rows, chunked as JSON")
equal(rows[0][0].timestamp(), 1767323045.678, "SHOW: a timestamp")
cursor.execute("CREATE ROLE R")
equal(cursor.fetchall(), [("Role R successfully created.",)], "DDL: status")
cursor.execute("INSERT 3")
equal(cursor.rowcount, 3, "DML: affected rows")
cursor.execute("USE ROLE OTHER")
equal(connection.role, "OTHER", "the role after USE ROLE")
equal([c[0] for c in cursor.describe("SELECT * FROM NUMBERS 5")], ["ID", "V"], "describe only")

error = fails(lambda: cursor.execute("SELECT * FROM MISSING"), "a missing object")
equal((error.errno, error.sqlstate, "does not exist" in str(error)), (2003, "02000", True), "a missing object")
equal(isinstance(error, errors.ProgrammingError), True, "the kind of error")

cursor.execute("SLEEP 1500")
equal(cursor.fetchall(), [("Slept.",)], "a statement that outlives the wait")
query_id = cursor.execute_async("SELECT * FROM NUMBERS 7")["queryId"]
while connection.is_still_running(connection.get_query_status(query_id)):
    time.sleep(0.05)
cursor.get_results_from_sfqid(query_id)
equal(len(cursor.fetchall()), 7, "an asynchronous statement")
if FOUR:
    # 5.2.0 leaves the statement running and gives up by itself after network_timeout.
    error = fails(lambda: cursor.execute("SLEEP 60000", timeout=1), "a statement cancelled by its timeout")
    equal(error.errno, 604, f"cancelled by its timeout: {error}")
query_id = cursor.execute_async("SLEEP 60000")["queryId"]
cursor.abort_query(query_id)
while connection.is_still_running(status := connection.get_query_status(query_id)):
    time.sleep(0.05)
equal(status.name, "ABORTED", "a statement that is aborted by its id")

select = "SELECT * FROM NUMBERS 50"
for rule in (
    {"kind": "http_status", "status": 503, "times": 2},
    {"kind": "http_status", "status": 429, "retry_after": 1},
    {"kind": "session_expired"},
    {"kind": "close_before"},
    {"kind": "close_in_headers"},
    {"kind": "in_progress", "polls": 3},
    {"kind": "slow_body", "bytes_per_second": 4000},
):
    faults({"match": "NUMBERS 50", **rule})
    before = meter()["statements"]
    equal(len(cursor.execute(select).fetchall()), 50, f"recovery from {rule}")
    equal(meter()["statements"] - before, 1, f"statements run in spite of {rule}")
# 5.2.0 takes a refused or broken chunk as final.
faults({"match": "/chunk/", "kind": "http_status", "status": 403 if FOUR else 503},
       *([{"match": "/chunk/", "kind": "close_in_body"}] if FOUR else []),
       {"match": "NUMBERS 50", "kind": "split", "inline_rows": 10, "chunk_rows": 20})
equal(len(cursor.execute(select).fetchall()), 50, "recovery of chunks")

if FOUR:
    # 5.2.0 gives a short result without an error for these.
    for rule in (
        {"kind": "empty_inline"},
        {"kind": "total_off", "by": 3},
        {"kind": "chunk_cut_at_boundary"},
    ):
        faults({"match": "NUMBERS 50", **rule})
        error = fails(lambda: cursor.execute(select).fetchall(), f"truncation by {rule}")
        equal(error.errno, 252013, f"truncation by {rule}")
no_faults()
error = fails(lambda: connect(WRONG_KEY), "a wrong key")
equal(("390144" in str(error) or error.errno == 390144, isinstance(error, errors.DatabaseError)), (True, True),
      f"a wrong key: {error}")
error = fails(lambda: snowflake.connector.connect(
    user="alice", password="x", account="testacct", host="127.0.0.1", port=PORT, protocol="http", login_timeout=20),
    "a password")
equal("390100" in str(error) or error.errno == 250001, True, f"a password: {error}")

before = meter()["open_sessions"]
connection.close()
equal(meter()["open_sessions"], before - 1, "sessions after close")
print(VERSION)
