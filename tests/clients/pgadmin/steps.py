"""pgAdmin 4 over the requests of its own pages: the tree, properties, SQL and dependencies of what is in it, the query tool, the
rows of a view, the dashboard, the search, the grant wizard and the ERD."""

import builtins
import importlib.metadata
import importlib.util
import json
import os
import re
import sys
import tempfile
import time
import urllib.parse
import warnings

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from report import step, url, version  # noqa: E402

parts = urllib.parse.urlparse(url())
client = None
socket = None
# The numbers of the nodes on the way to what is asked for: the group of servers, the server, the database, the schema.
way = {}
# The number of the tab of the query tool.
TAB = 4711
# What numbers things, and what says who is asking: other on every server and at every time.
VOLATILE = {
    "oid", "id", "_id", "_pid", "pid", "did", "tid", "sid", "scid", "vid", "relid", "datoid", "objid", "spcoid", "id_path", "relowner",
    "typoid", "elemoid", "atttypid", "attrelid", "pronamespace", "prolang", "prorettype", "proargtypes", "seclabels_oid", "objsubid",
    "schema_oid", "nspoid", "refclassid", "refobjid", "classid", "eventowner_oid", "server_id", "conn_id", "xmin", "typnspid", "attoptions",
    # How a view or a function is made: the twin's read its tables. It stands in the SQL.
    "definition", "prosrc", "prosrc_c",
}


def start(folder):
    """pgAdmin as it runs on a desktop, with an empty database of its own."""
    global client, socket
    builtins.SERVER_MODE = False
    os.environ["PGADMIN_SERVER_MODE"] = "OFF"
    warnings.simplefilter("ignore")
    # Its modules are called as if its folder were the top.
    sys.path.insert(0, list(importlib.util.find_spec("pgadmin4").submodule_search_locations)[0])
    import config

    config.DATA_DIR = folder
    for name in ("SQLITE_PATH", "LOG_FILE", "SESSION_DB_PATH", "STORAGE_DIR", "KERBEROS_CCACHE_DIR", "AZURE_CREDENTIAL_CACHE_DIR"):
        setattr(config, name, os.path.join(folder, name.lower()))
    config.MASTER_PASSWORD_REQUIRED = config.USE_OS_SECRET_STORAGE = config.UPGRADE_CHECK_ENABLED = False
    config.WTF_CSRF_ENABLED = False
    # Above CRITICAL: an error is in the answer, too.
    config.CONSOLE_LOG_LEVEL = config.FILE_LOG_LEVEL = 60
    from pgAdmin4 import app
    from pgadmin import socketio

    client = app.test_client()
    client.get("/browser/")
    socket = (socketio, app)


class Refused(Exception):
    """An answer that is no 200."""


def call(method, path, **named):
    response = client.open(path, method=method, **named)
    text = response.get_data(as_text=True)
    try:
        answer = json.loads(text)
    except ValueError:
        answer = text
    if response.status_code not in (200, 201, 202):
        said = answer.get("errormsg") if isinstance(answer, dict) else answer
        raise Refused(f"{response.status_code} {said}")
    return answer


def get(path, **query):
    return call("GET", path, query_string=query)


def post(path, body=None, method="POST"):
    return call(method, path, data=json.dumps(body), content_type="html/json")


def failed(function, *arguments, **named):
    """The message of an error, as pgAdmin shows it."""
    try:
        return ["no error", function(*arguments, **named)]
    except Refused as refused:
        return str(refused)


def same(value):
    """A value without what is other on every server."""
    if isinstance(value, dict):
        return {key: same(item) for key, item in value.items() if key not in VOLATILE}
    if isinstance(value, list):
        kept = [same(item) for item in value if not of_the_twin(item)]
        return sorted(kept, key=json.dumps) if kept and all(isinstance(item, dict) for item in kept) else kept
    # Paths of the search have numbers in them, and PostgreSQL may keep a version of a column among its options.
    return re.sub(r"\n\nALTER TABLE[^;]*SET \(pg_attver=\d+\);|(?<=[a-z])\.\d+(?=:/)", "", value) if isinstance(value, str) else value


def of_the_twin(item):
    """The rows of PostgreSQL's views are in tables of this name."""
    return isinstance(item, dict) and any(str(item.get(key)).rpartition(".")[2].startswith("rows_of_") for key in ("name", "label", "value"))


def place(kind, what, depth, number=None):
    """The path of a request about a kind of node: of one, or of all that are there."""
    numbers = [way[name] for name in ("group", "server", "database", "schema", "view")[:depth]]
    path = f"/browser/{kind}/{what}/" + "".join(f"{one}/" for one in numbers)
    return path + str(number) if number is not None else path


def listed(answer):
    return answer["data"] if isinstance(answer, dict) and "data" in answer else answer


def nodes(kind, depth):
    """The nodes of a kind as the tree shows them."""
    return listed(get(place(kind, "nodes", depth)))


def labels(kind, depth):
    return same(nodes(kind, depth))


def number(kind, depth, label):
    """The number of a node in the tree."""
    found = [node["_id"] for node in nodes(kind, depth) if node["label"] == label]
    if not found:
        raise Refused(f"no {kind} {label} in the tree")
    return found[0]


def enter(name, kind, depth, label):
    """The nodes of the next steps are below this one."""
    way[name] = 0
    way[name] = number(kind, depth, label)


def about(kind, what, depth, label=None):
    """What a tab says about a node."""
    return same(get(place(kind, what, depth, None if label is None else number(kind, depth, label))))


def add_server():
    answer = post("/browser/server/obj/1/", {
        "name": "steps", "host": parts.hostname, "port": parts.port, "db": parts.path[1:], "username": parts.username, "role": "",
        "connect_now": False, "save_password": False, "sslmode": "prefer", "connection_params": [
            {"name": "sslmode", "value": "prefer"}, {"name": "connect_timeout", "value": 10}]})
    way.update(group=1, server=answer["node"]["_id"])
    return [answer["node"]["label"], answer["node"]["connected"]]


def connect():
    answer = post(place("server", "connect", 1, way["server"]), {"password": ""})
    data = answer["data"]
    return [answer["info"], data["connected"], data["type"], data["version"] // 10000, data["user"]["name"],
            {key: value for key, value in data["user"].items() if isinstance(value, bool)}, data["db"] == parts.path[1:]]


def connect_database():
    way["database"] = number("database", 2, parts.path[1:])
    answer = post(place("database", "connect", 2, way["database"]), {})
    return [answer["info"], answer["data"]["connected"]]


def server_level():
    step("databases", labels, "database", 2)
    step("connect to the database", connect_database)
    for kind in ("role", "tablespace"):
        step(f"{kind} nodes", labels, kind, 2)
        step(f"{kind} list", about, kind, "obj", 2)
    step("role properties", about, "role", "obj", 2, parts.username)
    step("role SQL", about, "role", "sql", 2, parts.username)
    step("role dependencies", about, "role", "dependency", 2, parts.username)
    step("role dependents", about, "role", "dependent", 2, parts.username)
    for what in ("obj", "sql", "dependency", "dependent"):
        step(f"tablespace {what}", about, "tablespace", what, 2, "pg_default")
    name = parts.path[1:]
    step("database list", about, "database", "obj", 2)
    for what in ("obj", "sql", "dependency", "dependent"):
        step(f"database {what}", about, "database", what, 2, name)
    for what in ("get_encodings", "get_ctypes", "get_databases"):
        step(f"database {what}", about, "database", what, 2)
    step("role vopts", about, "role", "vopts", 2)


def database_level():
    for kind in ("cast", "catalog", "event_trigger", "extension", "foreign_data_wrapper", "language", "publication", "schema",
                 "subscription"):
        step(f"{kind} nodes", labels, kind, 3)
        step(f"{kind} list", about, kind, "obj", 3)
    for kind, label in (("schema", "public"), ("catalog", "PostgreSQL Catalog (pg_catalog)"), ("catalog", "ANSI (information_schema)")):
        for what in ("obj", "sql", "dependency", "dependent"):
            step(f"{kind} {label} {what}", about, kind, what, 3, label)


def schema_level():
    step("to the schema", enter, "schema", "schema", 3, "public")
    for kind in ("aggregate", "collation", "domain", "fts_configuration", "fts_dictionary", "fts_parser", "fts_template", "foreign_table",
                 "function", "procedure", "trigger_function", "mview", "operator", "sequence", "table", "type", "view"):
        step(f"{kind} nodes", labels, kind, 4)
        step(f"{kind} list", about, kind, "obj", 4)
    for label in ("users", "effective_privileges"):
        for what in ("children", "obj", "sql", "select_sql", "insert_sql", "dependency", "dependent"):
            step(f"view {label} {what}", about, "view", what, 4, label)
        step(f"to view {label}", enter, "view", "view", 4, label)
        for kind in ("column", "rule", "trigger"):
            step(f"{kind} nodes of {label}", labels, kind, 5)
            step(f"{kind} list of {label}", about, kind, "obj", 5)
    for column in ("user_name", "usable", "role_count"):
        for what in ("obj", "sql", "dependency", "dependent"):
            step(f"column {column} {what}", about, "column", what, 5, column)
    function = "who_can(privilege text, object text)"
    for what in ("obj", "sql", "exec_sql", "select_sql", "dependency", "dependent", "stats"):
        step(f"function {what}", about, "function", what, 4, function)
    step("function get_types", lambda: types(get(place("function", "get_types", 4))["data"]))
    for what in ("get_languages", "get_support_functions"):
        step(f"function {what}", about, "function", what, 4)
    for what in ("obj", "sql"):
        step(f"view {what} of what is not there", failed, get, place("view", what, 4, 1))
    catalogs()


def catalogs():
    step("to the information schema", enter, "schema", "catalog", 3, "ANSI (information_schema)")
    step("objects of the information schema", labels, "catalog_object", 4)
    step("to the columns", enter, "view", "catalog_object", 4, "columns")
    step("columns of the information schema", labels, "catalog_object_column", 5)
    step("a column of the information schema", about, "catalog_object_column", "obj", 5, "data_type")
    step("to the catalog", enter, "schema", "catalog", 3, "PostgreSQL Catalog (pg_catalog)")
    for label in ("pg_class", "pg_attribute"):
        for what in ("obj", "dependency", "dependent"):
            step(f"table {label} {what}", about, "table", what, 4, label)
        step(f"to table {label}", enter, "view", "table", 4, label)
        step(f"columns of {label}", labels, "column", 5)
    for label in ("pg_roles", "pg_views"):
        step(f"to view {label}", enter, "view", "view", 4, label)
        step(f"columns of {label}", labels, "column", 5)


def tab(what):
    return f"/sqleditor/{what}/{TAB}"


def polled():
    """The answer of a statement: the page asks until it is there."""
    for _ in range(600):
        data = get(tab("poll"))["data"]
        if data["status"] not in ("Busy", "NotInitialised"):
            break
        time.sleep(0.05)
    columns = [[column[key] for key in ("name", "type_name", "type_code", "internal_size", "precision", "scale", "is_editable")
                if key in column] for column in data.get("colinfo") or []]
    return [data["status"], columns, data.get("types"), data.get("primary_keys"), data["rows_affected"], data.get("has_more_rows"),
            data["result"]]


def ran(sql, **more):
    post(tab("query_tool/start"), {"sql": sql, **more})
    return polled()


def explained(sql, **more):
    """A plan as the page draws it: what stands in it is the server's own."""
    plan = {"format": "json", "analyze": False, "verbose": False, "costs": True, "buffers": False, "timing": False, **more}
    status, _, _, _, _, _, result = ran(sql, explain_plan=plan)
    return [status, [sorted(one) for row in result for one in json.loads(row[0])]]


def cancelled():
    """The stop button, in a tab of its own: a statement that cannot be stopped ends with the driver."""
    global TAB
    TAB += 1
    post(f"/sqleditor/initialize/sqleditor/{TAB}/{way['group']}/{way['server']}/{way['database']}", {"dbname": parts.path[1:]})
    post(tab("query_tool/start"), {
        "sql": "SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b, generate_series(1, 1000) c"})
    time.sleep(1)
    said = post(tab("cancel"))["data"]
    return [said["status"], failed(polled)]


def pages():
    """Rows through a cursor, a thousand at a time."""
    first = ran("SELECT g, g * 2 AS twice FROM generate_series(1, 2500) g")
    window = get(f"/sqleditor/fetch_window/{TAB}/1500/1502")["data"]
    whole = get(f"/sqleditor/fetch_all_from_start/{TAB}/2500")["data"]
    return [first[:6], len(first[6]), window["result"], len(whole["result"]), whole["result"][-1]]


def completed(text):
    found = post(tab("autocomplete"), [text, text])["data"]
    # PostgreSQL has functions that grantd has not, and the rows of its views are in tables of this name.
    return [found["status"], sorted([word, how["object_type"]] for word, how in found["result"].items()
                                    if how["object_type"] not in ("function", "keyword") and not word.startswith("rows_of_"))]


def query_tool():
    place_of_tab = f"/{way['group']}/{way['server']}/{way['database']}"
    step("initialize", lambda: sorted(post(f"/sqleditor/initialize/sqleditor/{TAB}{place_of_tab}", {"dbname": parts.path[1:]})["data"]))
    for sql in (
        "SELECT user_name, disabled, created_on, comment FROM users ORDER BY user_name",
        "SELECT object_type, count(*), avg(role_count), min(object), bool_or(usable) FROM effective_privileges GROUP BY 1 ORDER BY 1",
        "SELECT 1 AS int4, 2::bigint AS int8, 1.5 AS numeric, 1.5::float8 AS float8, 'a' AS text, true AS bool, NULL AS nothing,"
        " DATE '2026-01-02' AS date, TIMESTAMP '2026-01-02 03:04:05' AS ts, TIMESTAMPTZ '2026-01-02 03:04:05+00' AS tstz,"
        " TIME '03:04:05' AS time, INTERVAL '1 day 02:03:04' AS interval, ARRAY[1,2] AS ints, ARRAY['a','b'] AS texts,"
        " '{\"a\": 1}'::json AS json, '\\x01'::bytea AS bytes",
        "SELECT 1 AS a, 2 AS a", "SELECT 1; SELECT 2", "SHOW search_path", "SELECT * FROM matrix('NOBODY%')", "-- nothing", "BEGIN",
        "SELECT no_such FROM users", "SELECT 1", "ROLLBACK", "SELECT * FROM no_such", "SELECT 1 / 0", "SELEC 1",
        "INSERT INTO users (user_name) VALUES ('x')", "DO $$ BEGIN RAISE NOTICE 'x'; END $$", "VACUUM users",
    ):
        step(sql, failed, ran, sql)
        step(f"status after {sql}", lambda: same(get(tab("status"))["data"]))
    step("explain", explained, "SELECT * FROM users WHERE user_name = 'MAIN'")
    step("explain analyze", explained, "SELECT * FROM users WHERE user_name = 'MAIN'", analyze=True, buffers=True, timing=True, verbose=True)
    step("download", lambda: client.post(tab("query_tool/download"), data=json.dumps({
        "query": "SELECT user_name, disabled, created_on FROM users ORDER BY 1", "filename": "x.csv"})).get_data(as_text=True))
    step("pages", pages)
    step("server cursor", lambda: post(tab("server_cursor"), True)["data"])
    step("pages of a server cursor", lambda: ran("SELECT g FROM generate_series(1, 2500) g ORDER BY g")[:6])
    post(tab("server_cursor"), False)
    step("no auto-commit", lambda: [post(tab("auto_commit"), False)["data"], failed(ran, "SELECT 1"), same(get(tab("status"))["data"]),
                                    failed(ran, "COMMIT"), post(tab("auto_commit"), True)["data"]])
    for text in ("SELECT * FROM ", "SELECT * FROM us", "SELECT * FROM users u WHERE u.", "SELECT user FROM users WHERE dis", "SELECT who",
                 "SELECT * FROM pg_catalog.pg_na", "INSERT INTO public."):
        step(f"complete {text}", completed, text)
    for what in ("database", "user", "role"):
        step(f"new connection {what}", lambda: same(get(f"/sqleditor/new_connection_{what}/{way['group']}/{way['server']}")["data"]["result"]))
    step("close", lambda: call("DELETE", tab("close"))["success"])


def view_data():
    """The rows of a view, and the filter over them."""
    step("to the schema", enter, "schema", "schema", 3, "public")
    view = number("view", 4, "users")
    for name, command in (("all", 3), ("first", 1), ("last", 2)):
        path = f"/sqleditor/initialize/viewdata/{TAB}/{command}/view/{way['group']}/{way['server']}/{way['database']}/{view}"
        step(f"view data {name}: initialize", lambda: sorted(post(path, {})["data"]))
        step(f"view data {name}: rows", lambda: [get(tab("view_data/start"))["success"], ordered(polled())])
        if name == "all":
            step("view data: query", lambda: get(tab("object/get"))["data"])
            step("view data: filter dialog", lambda: get(tab("filter_dialog"))["data"]["result"])
            step("view data: filter and order", filtered, "disabled = false", [{"name": "user_name", "order": "desc"}])
            step("view data: wrong filter", filtered, "no_such = 1", [])
            step("view data: only this value", lambda: [
                filtered("", []), post(tab("filter/inclusive"), {"user_name": "MAIN"})["data"]["status"],
                get(tab("view_data/start"))["success"], ordered(polled())])
            step("view data: limit", lambda: [post(tab("limit"), 100)["data"]["status"], get(tab("view_data/start"))["success"],
                                              ordered(polled())])
        call("DELETE", tab("close"))
    step("filter is checked", lambda: post(
        f"/sqleditor/filter/validate/{way['server']}/{way['database']}/{view}", {"filter_sql": "user_name = 'MAIN'"})["data"])
    step("wrong filter is checked", failed, post, f"/sqleditor/filter/validate/{way['server']}/{way['database']}/{view}", {"filter_sql": "no_such = 1"})


def filtered(sql, order):
    said = post(tab("filter_dialog"), {"sql": sql, "data_sorting": order}, method="PUT")["data"]
    if not said["status"]:
        return said
    return [said, get(tab("view_data/start"))["success"], failed(polled)]


def ordered(result):
    """The rows of a statement that leaves their order open."""
    return result[:6] + [sorted(result[6], key=json.dumps) if isinstance(result[6], list) else result[6]]


def keys(rows):
    """The columns of rows whose values are the server's own."""
    return sorted({key for row in rows for key in row}) if isinstance(rows, list) else sorted(rows)


def settings():
    rows = listed(get(f"/dashboard/config/{way['server']}"))
    wanted = ("search_path", "DateStyle", "TimeZone", "default_transaction_read_only", "max_index_keys", "standard_conforming_strings",
              "bytea_output", "client_encoding", "statement_timeout")
    return [keys(rows), sorted([row for row in rows if row["name"] in wanted], key=lambda row: row["name"])]


def dashboard():
    for level in (f"{way['server']}", f"{way['server']}/{way['database']}"):
        where = "server" if level == str(way["server"]) else "database"
        charts = "session_stats,tps_stats,ti_stats,to_stats,bio_stats"
        step(f"graphs of the {where}", lambda: {name: sorted(chart) for name, chart in sorted(
            get(f"/dashboard/dashboard_stats/{level}", chart_names=charts).items())})
        step(f"sessions of the {where}", lambda: sessions(get(f"/dashboard/activity/{level}")))
        step(f"locks of the {where}", lambda: keys(listed(get(f"/dashboard/locks/{level}"))))
        step(f"prepared transactions of the {where}", lambda: get(f"/dashboard/prepared/{level}"))
    step("settings", settings)
    step("log formats", lambda: get(f"/dashboard/log_formats/{way['server']}"))
    step("replication", lambda: get(f"/dashboard/replication_stats/{way['server']}"))
    step("replication slots", lambda: get(f"/dashboard/replication_slots/{way['server']}"))
    step("system statistics", lambda: get(f"/dashboard/check_extension/system_statistics/{way['server']}"))


def sessions(rows):
    rows = [row for row in listed(rows) if str(row.get("application_name")).startswith("pgAdmin")]
    return [keys(rows), sorted({(row["datname"], row["usename"], row.get("client_addr"), row.get("backend_type")) for row in rows})]


def search():
    base = f"/search_objects/{{}}/{way['server']}/{way['database']}"
    step("types to search", lambda: get(base.format("types"))["data"])
    for text, kind in (("privileges", "all"), ("who", "all"), ("user_name", "column"), ("users", "view"), ("ROLE", "view"), ("%", "schema"),
                       ("no such thing", "all"), ("a", "function"), ("i", "table")):
        step(f"search {text} in {kind}", lambda: same(get(base.format("search"), text=text, type=kind)["data"]))


def tools():
    numbers = f"{way['server']}/{way['database']}"
    step("to the schema", enter, "schema", "schema", 3, "public")
    step("grant wizard of the schema", lambda: same(get(f"/grant_wizard/{numbers}/{way['schema']}/schema/")))
    step("grant wizard of the database", lambda: same(get(f"/grant_wizard/{numbers}/{way['database']}/database/")))
    step("grant wizard privileges", lambda: get(f"/grant_wizard/acl/{numbers}/"))
    where = f"{TAB}/{way['group']}/{numbers}"
    step("ERD", lambda: sorted(post(f"/erd/initialize/{where}", {})["data"]))
    step("ERD: what it may use", lambda: diagram(get(f"/erd/prequisite/{where}")["data"]))
    step("ERD: tables", tables)
    step("ERD: SQL", lambda: post(f"/erd/sql/{where}", {"nodes": {}, "links": {}})["data"])
    step("ERD: close", lambda: call("DELETE", f"/erd/close/{where}")["success"])


def types(found):
    """The types to choose from, without those of rows of views: PostgreSQL lists them, and its tables' too."""
    views = {node["label"] for node in nodes("view", 4)}
    return sorted(one["label"] for one in found if one["label"].removesuffix("[]").split("rows_of_")[-1] not in views)


def diagram(found):
    return [types(found["col_types"]), same(found["schemas"])]


def tables():
    """The diagram asks for tables over its own channel."""
    socketio, app = socket
    channel = socketio.test_client(app, namespace="/erd", flask_test_client=client)
    channel.emit("tables", {"sid": way["server"], "did": way["database"], "trans_id": TAB, "scid": way["schema"]}, namespace="/erd")
    said = [message for message in channel.get_received("/erd") if message["name"] != "connected"]
    channel.disconnect(namespace="/erd")
    return [[message["name"], same(message["args"])] for message in said]


def main():
    version(", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("pgadmin4", "psycopg")))
    with tempfile.TemporaryDirectory() as folder:
        start(folder)
        step("add server", add_server)
        step("connect", connect)
        server_level()
        database_level()
        schema_level()
        query_tool()
        view_data()
        dashboard()
        search()
        tools()
        step("cancelled", failed, cancelled)
        step("disconnect", lambda: call("DELETE", place("database", "connect", 2, way["database"]))["info"])
        step("disconnect from the server", lambda: call("DELETE", place("server", "connect", 1, way["server"]))["info"])
    sys.stdout.flush()
    # Its threads would wait for requests that never come.
    os._exit(0)


main()
