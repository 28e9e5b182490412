"""Runs account_usage.sql on a fakesnow server: load.py PORT"""

import pathlib
import sys

import snowflake.connector

connection = snowflake.connector.connect(
    user="any", password="any", account="fakesnow", host="localhost", port=int(sys.argv[1]), protocol="http",
    session_parameters={"CLIENT_OUT_OF_BAND_TELEMETRY_ENABLED": False},
)
script = pathlib.Path(__file__).with_name("account_usage.sql").read_text("utf-8")
for statement in filter(str.strip, script.split(";")):
    connection.cursor().execute(statement)
connection.close()
