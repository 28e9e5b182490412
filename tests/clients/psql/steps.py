"""psql: every backslash command that asks the server, statements, \\copy, \\watch, and what the tab key offers."""

import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import report  # noqa: E402

URL = report.url()

# One command line each. `\d` and its relatives first, then what people type.
COMMANDS = r"""
\d
\d+
\dS pg_class
\d users
\d+ users
\d effective_privileges
\d+ effective_privileges
\d role*
\d pg_catalog.pg_class
\d+ pg_catalog.pg_namespace
\d information_schema.tables
\d no_such_relation
\dt
\dt+
\dt pg_catalog.pg_cl*
\dv
\dv+
\dv public.u*
\dm
\di
\ds
\dE
\dtvmsE
\dn
\dn+
\df
\df+
\df who_can
\dfa
\dfn pg_catalog.lower
\dfp
\dft
\dfw rank
\da
\da count
\du
\du+
\dg
\dp
\dp users
\z
\ddp
\dT
\dT+
\dT pg_catalog.int4
\dC
\dC bool
\do
\do =
\do+ =
\db
\db+
\dc
\dc utf8*
\dD
\dD+
\dy
\dO
\dO C
\dF
\dF+
\dFd
\dFp
\dFt
\dL
\dd
\dd users
\dd no_such
\drds
\dX
\dA
\dA+
\dAc btree
\dAc+ btree int4
\dAf btree
\dAo btree int4_ops
\dAp btree int4_ops
\dP
\dPti
\dconfig
\dconfig max_index_keys
\dconfig server_version
\dconfig *isolation*
\dx
\dx+
\des
\des+
\det
\dew
\deu
\dRp
\dRp+
\dRs
\dl
\lo_list
\l
\l+
\l grantd
\sv users
\sv+ users
\sv no_such
\sf who_can
\sf lower
\encoding
\conninfo
\dn pub*
\dtS pg_catalog.pg_d*
\d "Users"
\d public.users
\d grantd.public.users
\d other.public.users
"""

STATEMENTS = r"""
SELECT 1
SELECT 1 AS a, 'x' AS b, NULL AS c, 1.5 AS d, true AS e
SELECT user_name, disabled FROM users ORDER BY user_name
SELECT count(*) FROM effective_privileges
TABLE accounts LIMIT 0
VALUES (1, 'a'), (2, 'b')
SELECT * FROM no_such_relation
SELECT no_such_column FROM users
SELECT no_such_function(1)
SELECT 1 +
SELECT 'a' || 1
SELECT 1/0
SELECT 'x'::int
SELECT user_name FROM users GROUP BY disabled
INSERT INTO users VALUES ('a')
UPDATE users SET comment = 'x'
DELETE FROM users
CREATE TABLE t (a int)
DROP VIEW users
TRUNCATE users
SHOW server_encoding
SHOW transaction_isolation
SHOW no_such_setting
SHOW search_path
SET statement_timeout = '5s'
SET no_such_setting = 1
RESET ALL
DISCARD ALL
BEGIN; SELECT 1; COMMIT
BEGIN; SELECT 1/0; SELECT 1; ROLLBACK
BEGIN; SAVEPOINT a; SELECT 1/0
COMMIT
ROLLBACK
BEGIN; DECLARE c CURSOR FOR SELECT user_name FROM users ORDER BY 1; FETCH 2 FROM c; FETCH ALL FROM c; MOVE 1 FROM c; CLOSE c; COMMIT
PREPARE p AS SELECT $1::int + 1; EXECUTE p(2); DEALLOCATE p
EXECUTE no_such
DEALLOCATE no_such
COPY (SELECT user_name, disabled, created_on IS NULL AS n FROM users ORDER BY 1) TO STDOUT
COPY (SELECT user_name, comment FROM users ORDER BY 1) TO STDOUT WITH (FORMAT csv, HEADER)
COPY users FROM STDIN
COPY users TO '/srv/x'
LISTEN x
UNLISTEN *
LOCK TABLE users
EXPLAIN (COSTS OFF) SELECT 1
SELECT current_user, current_database(), current_schema
SELECT pg_typeof(1), pg_typeof('a'), pg_typeof(now()), pg_typeof(1.5)
SELECT has_table_privilege('users', 'SELECT'), has_table_privilege('users', 'INSERT')
SELECT has_schema_privilege('public', 'USAGE'), has_database_privilege('grantd', 'CONNECT')
SELECT 'users'::regclass, 'int4'::regtype
SELECT 'no_such'::regclass
SELECT to_regclass('no_such') IS NULL
SELECT obj_description('users'::regclass, 'pg_class')
SELECT format_type(23, NULL), format_type(1043, 14)
SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1 LIMIT 3
SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1
SELECT column_name, data_type, is_nullable, ordinal_position, udt_name FROM information_schema.columns WHERE table_name = 'users' ORDER BY ordinal_position
SELECT generate_series(1, 3)
SELECT * FROM generate_series(1, 3) AS g(n)
SELECT string_agg(user_name, ',' ORDER BY user_name) FROM users
SELECT array_agg(user_name ORDER BY user_name) FROM users
SELECT date_trunc('day', timestamp '2024-02-29 12:34:56'), extract(epoch FROM timestamp '1970-01-02 00:00:00')
SELECT to_char(timestamp '2024-02-29 12:34:56', 'YYYY-MM-DD HH24:MI:SS')
SELECT timestamp '2024-02-29' + interval '1 day', date '2024-02-29' + 1
SELECT 7 / 2, 7 % 2, 2 ^ 10, 7.0 / 2, round(2.5), round(-2.5)
SELECT 2147483647 + 1
SELECT 'abc' LIKE 'a%', 'abc' ILIKE 'A%', 'abc' ~ '^a', 'a_c' LIKE 'a/_c' ESCAPE '/'
SELECT upper('a'), lower('A'), length('abc'), position('b' IN 'abc'), substring('abcdef' FROM 2 FOR 3)
SELECT coalesce(NULL, 'a'), nullif(1, 1), greatest(1, 2), least(1, 2)
SELECT CASE WHEN true THEN 1 END
SELECT ARRAY[1,2,3], ARRAY['a','b'], (ARRAY[1,2,3])[2]
SELECT 2 = ANY(ARRAY[1,2,3]), 'a' = ANY('{a,b}')
SELECT row_number() OVER (ORDER BY user_name), user_name FROM users ORDER BY 2
WITH a AS (SELECT 1 AS x) SELECT * FROM a UNION ALL SELECT 2 ORDER BY 1
SELECT EXISTS (SELECT 1 FROM users), (SELECT count(*) FROM roles)
SELECT u.user_name, (SELECT count(*) FROM grants g WHERE g.account = u.account) AS n FROM users u ORDER BY 1
SELECT DISTINCT ON (type) type, user_name FROM users ORDER BY type, user_name
"""

# Several lines to one psql: name, then what it reads.
SCRIPTS = {
    "gdesc": "SELECT 1 AS a, 'x' AS b, now() AS c, 1.5 AS d, user_name FROM users \\gdesc\n",
    "gdesc of nothing": "SELECT \\gdesc\n",
    "gdesc of a setting": "SHOW search_path \\gdesc\n",
    "crosstabview": "SELECT type, disabled, count(*) FROM users GROUP BY 1, 2 ORDER BY 1, 2 \\crosstabview\n",
    "gset": "SELECT 1 AS a, 'x' AS b \\gset\n\\echo :a :b\n",
    "gx": "SELECT 1 AS a, 'x' AS b \\gx\n",
    "gexec": "SELECT 'SELECT ' || n FROM generate_series(1, 2) n ORDER BY n \\gexec\n",
    "copy": "\\copy (SELECT user_name FROM users ORDER BY 1) to stdout\n",
    "copy csv": "\\copy (SELECT user_name, comment FROM users ORDER BY 1) to stdout csv header\n",
    "copy a view": "\\copy users to stdout\n",
    "copy from": "\\copy users from stdin\na\n\\.\n",
    "fetch count": "\\set FETCH_COUNT 2\nSELECT user_name FROM users ORDER BY 1;\n",
    "on error rollback": "\\set ON_ERROR_ROLLBACK on\nBEGIN;\nSELECT 1/0;\nSELECT 2;\nCOMMIT;\n",
    "sqlstate": "SELECT 1/0;\n\\echo :ERROR :SQLSTATE :LAST_ERROR_MESSAGE\n",
    "several results": "SELECT 1\\; SELECT 2\\; SELECT 3;\n",
    "variables": "\\set n 2\nSELECT :n + 1, :'n', :\"n\" FROM (SELECT 5 AS \"2\") x;\n",
    "html": "\\pset format html\nSELECT 1 AS a, NULL AS b;\n",
    "timing of nothing": ";\n\\echo done\n",
    "server version": "\\echo :DBNAME :USER :ENCODING\n",
    "watch": "SELECT 1 AS a \\watch 1\n",
}

# What is typed before two tabs.
COMPLETIONS = [
    "SELECT * FROM us",
    "SELECT * FROM public.us",
    "SELECT * FROM effective_",
    "\\d us",
    "\\dv eff",
    "\\df who",
    "\\sv us",
    "\\dn p",
    "\\du gr",
    "SET statement_t",
    "SHOW server_ver",
    "SELECT * FROM users WHERE user_n",
    "SELECT * FROM pg_catalog.pg_nam",
    "\\dT int",
    "\\c grant",
    "COPY us",
    "TABLE acc",
    "\\db ",
]


def psql(arguments, text=None):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    environment["PSQLRC"] = "/dev/null"
    environment["LC_ALL"] = "C.UTF-8"
    command = ["psql", "-X", "-P", "pager=off", *arguments, URL]
    try:
        done = subprocess.run(command, input=text, text=True, env=environment, capture_output=True, timeout=300)
    except subprocess.TimeoutExpired as error:
        return {"out": (error.stdout or b"").decode().splitlines(), "err": ["timeout"], "code": None}
    return {"out": same(done.stdout), "err": same(done.stderr), "code": done.returncode}


def session(commands):
    """Many commands in one session: what each prints lies between two marks."""
    mark = "@@@"
    text = "".join(f"\\echo {mark}\n\\warn {mark}\n{command}\n" for command in commands)
    found = psql(["-v", "ON_ERROR_STOP=0", "-f", "-"], text)
    parts = {}
    for name in ("out", "err"):
        parts[name] = "\n".join(found[name]).split(mark)[1:]
    for command, out, err in zip(commands, parts["out"], parts["err"]):
        # Where in the script it was.
        err = re.sub(r"psql:<stdin>:\d+: ", "", err)
        yield command, {"out": out.strip("\n").split("\n"), "err": err.strip("\n").split("\n")}


def same(text):
    """The lines without the port, which differs, and without times."""
    port = re.search(r":(\d+)/", URL).group(1)
    text = re.sub(rf"\b{port}\b", "PORT", text)
    text = re.sub(r"\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}|\w{3} \d\d \w{3} \d{4} [\d:]+ \w+( \w+)?", "TIME", text)
    return text.splitlines()


def watch():
    """\\watch never ends by itself: two rounds, then an interrupt as Ctrl-C sends it."""
    import signal
    import time

    process = subprocess.Popen(
        ["psql", "-X", "-P", "pager=off", "-c", "\\set a 1", "-f", "-", URL],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )
    process.stdin.write("SELECT 1 AS a \\watch 0.2\n")
    process.stdin.flush()
    lines = []
    while sum("(1 row)" in line for line in lines) < 2:
        lines.append(process.stdout.readline())
    process.send_signal(signal.SIGINT)
    process.stdin.close()
    process.stdout.close()
    process.wait(timeout=10)
    return same("".join(lines[:10]))


def cancel():
    """A statement that runs for long, ended as Ctrl-C ends it; the session goes on."""
    import signal
    import time

    process = subprocess.Popen(
        ["psql", "-X", "-P", "pager=off", "-f", "-", URL],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )
    long = "SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b, generate_series(1, 1000) c;\n"
    process.stdin.write("\\echo ready\n" + long + "SELECT 'still here';\n")
    process.stdin.flush()
    process.stdout.readline()
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    return same(out)


def completion(typed):
    import pexpect

    child = pexpect.spawn("psql", ["-X", "-P", "pager=off", "--variable=PROMPT1=> ", URL], encoding="utf-8", timeout=15,
                          env={**os.environ, "TERM": "dumb", "LC_ALL": "C.UTF-8", "INPUTRC": "/dev/null"},
                          dimensions=(200, 200))
    child.expect("> ")
    child.send(typed + "\t\t")
    child.expect(re.escape(typed))
    # What is offered arrives without an end: asked for something that answers, after a line that is given up.
    child.send("\x01\x0b\\echo the-end\r")
    child.expect("the-end\r\n")
    offered = child.before
    child.close(force=True)
    return sorted(set(re.findall(r"[\w.\"]+", re.sub(r"\x1b\[[^a-zA-Z]*[a-zA-Z]|\x07", " ", offered))) - {"echo", "the"})


def main():
    report.version("psql " + re.search(r"(\d+)\.", subprocess.run(["psql", "--version"], capture_output=True, text=True).stdout).group(1))
    for command, said in session(COMMANDS.strip().splitlines()):
        report.step(command, lambda said=said: said)
    for statement in STATEMENTS.strip().splitlines():
        # Of an error only its SQLSTATE: the words are compared elsewhere.
        report.step(statement, psql, ["-v", "VERBOSITY=sqlstate", "-c", statement])
    for name, text in SCRIPTS.items():
        report.step(name, watch) if name == "watch" else report.step(name, psql, ["-f", "-"], text)
    report.step("cancel", cancel)
    for typed in COMPLETIONS:
        report.step(f"tab after {typed}", completion, typed)


main()
