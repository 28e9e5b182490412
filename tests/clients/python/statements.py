"""Statements that every Python driver runs: name, text with %s for parameters, parameters."""

STATEMENTS = [
    ("users", "SELECT user_name, disabled, type, comment FROM users ORDER BY user_name", ()),
    ("all of a view", "SELECT * FROM roles ORDER BY role_name", ()),
    ("a count", "SELECT count(*), min(user_name), max(created_on) IS NOT NULL FROM users", ()),
    ("literals", "SELECT 1, 'x', NULL, 1.5, true, 1e3::float8, 10000000000", ()),
    ("same names", "SELECT 1 AS a, 2 AS a", ()),
    ("names", "SELECT count(*), sum(1), coalesce(NULL, 1), upper('a'), 1 + 1, 'x'::text, CASE WHEN true THEN 1 END", ()),
    ("types", "SELECT 1::int2, 1::int4, 1::int8, 1.5::float4, 1.5::float8, 1.50::numeric(10,2), 'a'::varchar, 'a'::text,"
              " '2024-02-29'::date, '12:34:56'::time, '2024-02-29 12:34:56'::timestamp,"
              " '2024-02-29 12:34:56+00'::timestamptz, '1 day 02:03:04'::interval, true::bool", ()),
    ("arrays", "SELECT ARRAY[1, 2], ARRAY['a', NULL], array_agg(user_name ORDER BY user_name) FROM users", ()),
    ("catalog types", "SELECT oid, relname, relkind, relacl IS NULL FROM pg_class WHERE relname = 'pg_class'", ()),
    ("text parameter", "SELECT user_name FROM users WHERE user_name = %s", ("MAIN",)),
    ("limit parameter", "SELECT user_name FROM users ORDER BY user_name LIMIT %s OFFSET %s", (1, 1)),
    ("any parameter", "SELECT user_name FROM users WHERE user_name = ANY(%s) ORDER BY 1", (["MAIN", "SANDBOX_USER"],)),
    ("boolean parameter", "SELECT user_name FROM users WHERE disabled = %s ORDER BY 1", (False,)),
    ("null parameter", "SELECT user_name FROM users WHERE default_role IS NOT DISTINCT FROM %s ORDER BY 1", (None,)),
    ("like", "SELECT user_name FROM users WHERE user_name LIKE %s ORDER BY 1", ("%A%",)),
    ("function", "SELECT user_name, source FROM who_can(%s, %s) WHERE false", ("SELECT", "X.Y.Z")),
    ("three part name", 'SELECT count(*) FROM "grantd"."public"."users"', ()),
    ("no such table", "SELECT * FROM no_such_table", ()),
    ("no such column", "SELECT no_such_column FROM users", ()),
    ("syntax", "SELEC 1", ()),
    ("division by zero", "SELECT 1 / 0", ()),
    ("bad number", "SELECT 'x'::int4", ()),
    ("insert", "INSERT INTO users (user_name) VALUES (%s)", ("x",)),
    ("create table", "CREATE TABLE t (a int4)", ()),
    ("create temp table", "CREATE TEMPORARY TABLE t (a int4)", ()),
    ("show", "SHOW server_encoding", ()),
    ("set", "SET application_name = 'steps'", ()),
    ("shown", "SHOW application_name", ()),
]
