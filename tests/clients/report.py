"""What every driver of a client reports: one JSON line per step, and the client's version first."""

import datetime
import decimal
import json
import sys
import uuid


def cell(value):
    """A value as JSON that is the same for the same value, with the type where JSON has none."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, (list, tuple)):
        return [cell(item) for item in value]
    if isinstance(value, dict):
        return {str(key): cell(item) for key, item in value.items()}
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        return "timestamptz " + value.astimezone(datetime.timezone.utc).isoformat()
    if isinstance(value, (datetime.date, datetime.time, datetime.timedelta, decimal.Decimal, uuid.UUID)):
        return f"{type(value).__name__} {value}"
    if isinstance(value, (bytes, bytearray, memoryview)):
        return "bytes " + bytes(value).hex()
    return f"{type(value).__name__} {value}"


def version(text):
    """The client's name and version."""
    print(json.dumps({"client": text}), flush=True)


def state_of(error):
    """The SQLSTATE of an error, wherever the driver keeps it, else the error's class."""
    seen = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        for name in ("sqlstate", "pgcode"):
            code = getattr(error, name, None)
            if isinstance(code, str):
                return code
        arguments = getattr(error, "args", ())
        if arguments and isinstance(arguments[0], dict) and "C" in arguments[0]:
            return arguments[0]["C"]
        error = getattr(error, "orig", None) or error.__cause__ or error.__context__
    return None


def step(name, function, *arguments, **named):
    """Runs a step and reports it. A function returns rows, or a pair of columns and rows, or any value."""
    line = {"step": name}
    result = None
    try:
        result = function(*arguments, **named)
        line["outcome"] = "ok"
        columns, rows = result if isinstance(result, Result) else (None, result)
        if columns is not None:
            line["columns"] = [[cell(part) for part in column] for column in columns]
        line["rows"] = cell(rows)
    except Exception as error:  # noqa: BLE001 - every failure is an outcome
        line["outcome"] = state_of(error) or type(error).__name__
        line["class"] = type(error).__name__
        line["message"] = str(error)
    print(json.dumps(line), flush=True)
    return result


class Result(tuple):
    """Columns (name and type) and rows."""

    def __new__(cls, columns, rows):
        return super().__new__(cls, (list(columns), rows))


def url():
    """The connection URL that the driver was given."""
    return sys.argv[1]
