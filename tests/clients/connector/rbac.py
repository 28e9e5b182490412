"""The official connector as an administrator's tool against the sandbox: change grants, read them, export them.

usage: rbac.py PORT KEY_FILE change            statements of every kind, then SHOW GRANTS
       rbac.py PORT KEY_FILE run FILE          the statements of FILE, one a line
       rbac.py PORT KEY_FILE export DIRECTORY  every view and SHOW that `grantd import` reads, as files
(prints the connector's version when all went well)
"""

import csv
import datetime
import json
import os
import sys

import snowflake.connector
from snowflake.connector import errors

PORT, KEY, COMMAND = int(sys.argv[1]), sys.argv[2], sys.argv[3]
VERSION = snowflake.connector.__version__

connection = snowflake.connector.connect(
    user="OPERATOR", account="SANDBOX", host="127.0.0.1", port=PORT, protocol="http",
    authenticator="SNOWFLAKE_JWT", private_key_file=KEY, login_timeout=20, network_timeout=20,
    session_parameters={"TIMEZONE": "UTC"})
cursor = connection.cursor()


def equal(found, expected, what):
    if found != expected:
        sys.exit(f"{VERSION}: {what}: found {found!r}, expected {expected!r}")


def status(sql, expected):
    equal(cursor.execute(sql).fetchall(), [(expected,)], sql)


def show(sql, *columns):
    """The rows of a SHOW, with some of its columns, in order of their text."""
    cursor.execute(sql)
    names = [column[0] for column in cursor.description]
    return sorted(tuple(str(row[names.index(c)]) for c in columns) for row in cursor.fetchall())


def refused(sql, number, state, text):
    try:
        cursor.execute(sql)
    except errors.ProgrammingError as error:
        equal((error.errno, error.sqlstate, text in str(error)), (number, state, True), f"{sql}: {error}")
        return
    sys.exit(f"{VERSION}: {sql}: no error")


def change():
    status("USE ROLE USERADMIN", "Statement executed successfully.")
    equal(connection.role, "USERADMIN", "the role after USE ROLE")
    status("CREATE ROLE AUDITOR COMMENT = 'looks, touches nothing'", "Role AUDITOR successfully created.")
    status("CREATE USER \"eve@example.com\" DEFAULT_ROLE = AUDITOR", "User \"eve@example.com\" successfully created.")
    status("USE ROLE SECURITYADMIN", "Statement executed successfully.")
    for sql in (
        "GRANT ROLE AUDITOR TO USER \"eve@example.com\"",
        "GRANT ROLE FR_BUDGET_BOOK_READ TO ROLE AUDITOR",
        "GRANT USAGE ON WAREHOUSE SANDBOX_WH TO ROLE AUDITOR",
        "GRANT INSERT, UPDATE ON TABLE RAW_DB.BUDGET_BOOK.TRANSACTIONS TO ROLE AUDITOR",
        "REVOKE UPDATE ON TABLE RAW_DB.BUDGET_BOOK.TRANSACTIONS FROM ROLE AUDITOR",
        "GRANT SELECT ON FUTURE TABLES IN SCHEMA RAW_DB.BUDGET_BOOK TO ROLE AUDITOR",
        "REVOKE DELETE ON TABLE RAW_DB.BUDGET_BOOK.TRANSACTIONS FROM ROLE FR_BUDGET_BOOK_WRITE",
        "REVOKE ROLE VIEWER_ROLE FROM USER MAIN",
    ):
        status(sql, "Statement executed successfully.")
    equal(show("SHOW GRANTS TO ROLE AUDITOR", "privilege", "granted_on", "name", "grantee_name", "grant_option"), [
        ("INSERT", "TABLE", "RAW_DB.BUDGET_BOOK.TRANSACTIONS", "AUDITOR", "false"),
        ("USAGE", "ROLE", "FR_BUDGET_BOOK_READ", "AUDITOR", "false"),
        ("USAGE", "WAREHOUSE", "SANDBOX_WH", "AUDITOR", "false"),
    ], "SHOW GRANTS TO ROLE")
    equal(show("SHOW GRANTS OF ROLE AUDITOR", "role", "granted_to", "grantee_name"), [
        ("AUDITOR", "USER", "eve@example.com"),
    ], "SHOW GRANTS OF ROLE")
    equal(show("SHOW GRANTS TO USER \"eve@example.com\"", "role"), [("AUDITOR",)], "SHOW GRANTS TO USER")
    equal([row for row in show("SHOW GRANTS ON TABLE RAW_DB.BUDGET_BOOK.TRANSACTIONS", "privilege", "grantee_name")
           if row[1] in ("AUDITOR", "FR_BUDGET_BOOK_WRITE")], [
        ("INSERT", "AUDITOR"), ("INSERT", "FR_BUDGET_BOOK_WRITE"), ("SELECT", "FR_BUDGET_BOOK_WRITE"),
        ("TRUNCATE", "FR_BUDGET_BOOK_WRITE"), ("UPDATE", "FR_BUDGET_BOOK_WRITE"),
    ], "SHOW GRANTS ON TABLE")
    equal(show("SHOW FUTURE GRANTS IN SCHEMA RAW_DB.BUDGET_BOOK", "privilege", "grant_on", "grantee_name"), [
        ("SELECT", "TABLE", "AUDITOR"),
    ], "SHOW FUTURE GRANTS")
    equal([row[0] for row in show("SHOW ROLES LIKE 'AUDIT%'", "name", "owner")], ["AUDITOR"], "SHOW ROLES LIKE")
    refused("GRANT ROLE AUDITORS TO ROLE SYSADMIN", 2003, "02000", "AUDITORS")
    refused("GRANT SELEC ON TABLE RAW_DB.BUDGET_BOOK.TRANSACTIONS TO ROLE AUDITOR", 1003, "42000", "SELEC")
    cursor.execute("USE ROLE PUBLIC")
    cursor.execute("USE SECONDARY ROLES NONE")
    refused("CREATE ROLE NOT_MINE_TO_MAKE", 3001, "42501", "Insufficient privileges")


def run(path):
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            cursor.execute(line.rstrip("\n").rstrip(";"))


VIEWS = """GRANTS_TO_ROLES GRANTS_TO_USERS GRANTS_TO_SHARES ROLES USERS DATABASES SCHEMATA TABLES VIEWS STAGES FUNCTIONS
    PROCEDURES FILE_FORMATS SEQUENCES PIPES STREAMS TASKS SEMANTIC_VIEWS""".split()
SHOWS = {"SHOW_USERS": "SHOW USERS", "SHOW_ROLES": "SHOW ROLES", "SHOW_DATABASES": "SHOW DATABASES",
         "SHOW_SCHEMAS": "SHOW SCHEMAS IN ACCOUNT", "SHOW_WAREHOUSES": "SHOW WAREHOUSES",
         "SHOW_INTEGRATIONS": "SHOW INTEGRATIONS"}


def text(value):
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    return value


def read(sql):
    cursor.execute(sql)
    return [column[0] for column in cursor.description], [[text(v) for v in row] for row in cursor.fetchall()]


def write_lines(path, names, rows):
    with open(path, "w", encoding="utf-8") as out:
        for row in rows:
            out.write(json.dumps(dict(zip(names, row))) + "\n")


def export(directory):
    for view in VIEWS:
        names, rows = read(f"SELECT * FROM SNOWFLAKE.ACCOUNT_USAGE.{view}")
        with open(os.path.join(directory, f"{view}.csv"), "w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out, lineterminator="\n")
            writer.writerow(names)
            writer.writerows(rows)
    for name, sql in SHOWS.items():
        write_lines(os.path.join(directory, f"{name}.jsonl"), *read(sql))
    columns, schemas = read("SHOW SCHEMAS IN ACCOUNT")
    at = (columns.index("database_name"), columns.index("name"))
    quote = lambda name: '"' + name.replace('"', '""') + '"'  # noqa: E731
    places = {f"IN DATABASE {quote(row[at[0]])}" for row in schemas}
    places |= {f"IN SCHEMA {quote(row[at[0]])}.{quote(row[at[1]])}" for row in schemas}
    names, rows = [], []
    for place in sorted(places):
        names, more = read(f"SHOW FUTURE GRANTS {place}")
        rows += more
    write_lines(os.path.join(directory, "SHOW_FUTURE_GRANTS.jsonl"), names, rows)


if COMMAND == "change":
    change()
elif COMMAND == "run":
    run(sys.argv[4])
else:
    export(sys.argv[4])
connection.close()
print(VERSION)
