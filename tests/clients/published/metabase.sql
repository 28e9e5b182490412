-- Metabase: sync and fields, and statements as its query builder writes them.
-- name: timezone
SHOW timezone
-- name: session timezone
SET SESSION TIMEZONE TO 'UTC'
-- name: read only
SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY
-- name: privileges
with table_privileges as (
  select NULL as role, t.schemaname as schema, t.objectname as table,
    pg_catalog.has_any_column_privilege(current_user, '"' || replace(t.schemaname, '"', '""') || '"' || '.' || '"' || replace(t.objectname, '"', '""') || '"', 'update') as update,
    pg_catalog.has_any_column_privilege(current_user, '"' || replace(t.schemaname, '"', '""') || '"' || '.' || '"' || replace(t.objectname, '"', '""') || '"', 'select') as select,
    pg_catalog.has_any_column_privilege(current_user, '"' || replace(t.schemaname, '"', '""') || '"' || '.' || '"' || replace(t.objectname, '"', '""') || '"', 'insert') as insert,
    pg_catalog.has_table_privilege(current_user, '"' || replace(t.schemaname, '"', '""') || '"' || '.' || '"' || replace(t.objectname, '"', '""') || '"', 'delete') as delete
  from (
    select schemaname, tablename as objectname from pg_catalog.pg_tables
    union
    select schemaname, viewname as objectname from pg_catalog.pg_views
    union
    select schemaname, matviewname as objectname from pg_catalog.pg_matviews
  ) t
  where t.schemaname !~ '^pg_' and t.schemaname <> 'information_schema'
    and pg_catalog.has_schema_privilege(current_user, t.schemaname, 'usage')
)
select t.* from table_privileges t where t.select or t.update or t.insert or t.delete order by 3
-- name: tables
SELECT n.nspname AS schema, c.relname AS name, CASE c.relkind WHEN 'r' THEN 'TABLE' WHEN 'p' THEN 'PARTITIONED TABLE' WHEN 'v' THEN 'VIEW' WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE NULL END AS type, d.description AS description, stat.n_live_tup AS estimated_row_count
FROM pg_catalog.pg_class AS c
INNER JOIN pg_catalog.pg_namespace AS n ON c.relnamespace = n.oid
LEFT JOIN pg_catalog.pg_description AS d ON ((c.oid = d.objoid) AND (d.objsubid = 0) AND (d.classoid = 'pg_class'::regclass))
LEFT JOIN pg_stat_user_tables AS stat ON ((n.nspname = stat.schemaname) AND (c.relname = stat.relname))
WHERE ((c.relnamespace = n.oid) AND (n.nspname !~ '^pg_') AND (n.nspname <> 'information_schema') AND c.relkind IN ('r', 'p', 'v', 'f', 'm') AND (n.nspname IN ('public')))
ORDER BY type ASC, schema ASC, name ASC
-- name: fields
SELECT c.column_name AS name, c.udt_name AS "database-type", c.ordinal_position - 1 AS "database-position", c.table_schema AS "table-schema", c.table_name AS "table-name", pk.column_name IS NOT NULL AS "pk?", col_description(CAST(CAST(format('%I.%I', CAST(c.table_schema AS TEXT), CAST(c.table_name AS TEXT)) AS REGCLASS) AS OID), c.ordinal_position) AS "field-comment", ((column_default IS NULL) OR (LOWER(column_default) = 'null')) AND (is_nullable = 'NO') AND NOT (((column_default IS NOT NULL) AND (column_default LIKE '%nextval(%')) OR (is_identity <> 'NO')) AS "database-required", ((column_default IS NOT NULL) AND (column_default LIKE '%nextval(%')) OR (is_identity <> 'NO') AS "database-is-auto-increment"
FROM information_schema.columns AS c
LEFT JOIN (SELECT tc.table_schema, tc.table_name, kc.column_name FROM information_schema.table_constraints AS tc INNER JOIN information_schema.key_column_usage AS kc ON (tc.constraint_name = kc.constraint_name) AND (tc.table_schema = kc.table_schema) AND (tc.table_name = kc.table_name) WHERE tc.constraint_type = 'PRIMARY KEY') AS pk ON (c.table_schema = pk.table_schema) AND (c.table_name = pk.table_name) AND (c.column_name = pk.column_name)
WHERE c.table_schema !~ '^information_schema|catalog_history|pg_' AND (c.table_schema IN ('public')) AND (c.table_name IN ('users'))
ORDER BY "table-schema" ASC, "table-name" ASC, "database-position" ASC
-- name: foreign keys
SELECT fk_ns.nspname AS "fk-table-schema", fk_table.relname AS "fk-table-name", fk_column.attname AS "fk-column-name", pk_ns.nspname AS "pk-table-schema", pk_table.relname AS "pk-table-name", pk_column.attname AS "pk-column-name"
FROM pg_constraint AS c
INNER JOIN pg_class AS fk_table ON c.conrelid = fk_table.oid
INNER JOIN pg_namespace AS fk_ns ON c.connamespace = fk_ns.oid
INNER JOIN pg_attribute AS fk_column ON c.conrelid = fk_column.attrelid
INNER JOIN pg_class AS pk_table ON c.confrelid = pk_table.oid
INNER JOIN pg_namespace AS pk_ns ON pk_table.relnamespace = pk_ns.oid
INNER JOIN pg_attribute AS pk_column ON c.confrelid = pk_column.attrelid
WHERE (fk_ns.nspname !~ '^information_schema|catalog_history|pg_') AND (c.contype = 'f') AND (fk_column.attnum = ANY(c.conkey)) AND (pk_column.attnum = ANY(c.confkey))
ORDER BY fk_ns.nspname ASC, fk_table.relname ASC
-- name: indexes
SELECT tmp."table-schema", tmp."table-name", TRIM(BOTH '"' FROM pg_catalog.pg_get_indexdef(tmp.ci_oid, tmp.pos, false)) AS "field-name" FROM (SELECT n.nspname AS "table-schema", ct.relname AS "table-name", ci.oid AS ci_oid, (information_schema._pg_expandarray(i.indkey)).n AS pos FROM pg_catalog.pg_class AS ct INNER JOIN pg_catalog.pg_namespace AS n ON ct.relnamespace = n.oid INNER JOIN pg_catalog.pg_index AS i ON ct.oid = i.indrelid INNER JOIN pg_catalog.pg_class AS ci ON ci.oid = i.indexrelid WHERE (pg_catalog.pg_get_expr(i.indpred, i.indrelid) IS NULL) AND n.nspname !~ '^information_schema|catalog_history|pg_') AS tmp WHERE tmp.pos = 1
-- name: enums
SELECT nspname, typname FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.oid IN (SELECT DISTINCT enumtypid FROM pg_enum)
-- name: database probe
SELECT TRUE AS "_" FROM "public"."users" WHERE 1 <> 1 LIMIT 0
-- name: fingerprint
SELECT "public"."users"."user_name" AS "user_name", SUBSTRING("public"."users"."comment", 1, 1234) AS "substring1" FROM "public"."users" ORDER BY 1 LIMIT 10000
-- name: by day
SELECT CAST("source"."created_on" AS date) AS "created_on", COUNT(*) AS "count" FROM "public"."users" AS "source" GROUP BY CAST("source"."created_on" AS date) ORDER BY CAST("source"."created_on" AS date) ASC
-- name: by month
SELECT DATE_TRUNC('month', "public"."users"."created_on") AS "created_on", COUNT(*) AS "count" FROM "public"."users" GROUP BY DATE_TRUNC('month', "public"."users"."created_on") ORDER BY DATE_TRUNC('month', "public"."users"."created_on") ASC
-- name: by week
SELECT (DATE_TRUNC('week', ("public"."users"."created_on" + INTERVAL '1 day')) + INTERVAL '-1 day') AS "created_on", COUNT(*) AS "count" FROM "public"."users" GROUP BY 1 ORDER BY 1
-- name: by day of week
SELECT CAST(extract(dow from "public"."users"."created_on") AS integer) + 1 AS "d", COUNT(*) FROM "public"."users" GROUP BY 1 ORDER BY 1
-- name: time zone
SELECT DATE_TRUNC('day', TIMEZONE('Asia/Tokyo', "public"."users"."created_on")) IS NOT NULL AS a FROM "public"."users"
-- name: at time zone
SELECT (timestamptz '2024-02-29 23:00:00+00' AT TIME ZONE 'Asia/Tokyo') AS a, (timestamp '2024-02-29 23:00:00' AT TIME ZONE 'Asia/Tokyo') AS b
-- name: relative dates
SELECT COUNT(*) FROM "public"."users" WHERE "created_on" >= DATE_TRUNC('day', (NOW() + INTERVAL '-3000 day')) AND "created_on" < DATE_TRUNC('day', (NOW() + INTERVAL '3000 day'))
-- name: regular expression
SELECT SUBSTRING("user_name" FROM '^[A-Z]') AS "r" FROM "public"."users" ORDER BY 1
-- name: percentile
SELECT PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY role_count) AS "median" FROM "public"."effective_privileges"
-- name: distinct
SELECT COUNT(DISTINCT "public"."effective_privileges"."user_name") AS "count", SUM("role_count") AS "sum", AVG("role_count") AS "avg", MIN("object"), MAX("object") FROM "public"."effective_privileges"
-- name: conditional
SELECT SUM(CASE WHEN "usable" = TRUE THEN 1 ELSE 0.0 END) AS "countif", CAST(SUM(CASE WHEN "usable" THEN 1 ELSE 0.0 END) AS FLOAT) / NULLIF(COUNT(*), 0) AS "share" FROM "public"."effective_privileges"
-- name: bins
SELECT FLOOR(("role_count" / 1.0)) * 1.0 AS "bin", COUNT(*) FROM "public"."effective_privileges" GROUP BY 1 ORDER BY 1
-- name: searched field
SELECT "user_name" FROM "public"."users" WHERE LOWER("user_name") LIKE '%main%' GROUP BY "user_name" ORDER BY "user_name" ASC LIMIT 1000
-- name: nested
SELECT "source"."user_name", "source"."count" FROM (SELECT "user_name", COUNT(*) AS "count" FROM "public"."effective_privileges" GROUP BY "user_name") AS "source" WHERE "source"."count" > 10 ORDER BY 1 LIMIT 2000
-- name: missing table
SELECT * FROM "public"."no_such_table" LIMIT 1
