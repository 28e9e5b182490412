-- Metabase, its session, its sync of a database and statements as its query processor writes them.
-- The statements of metabase/metabase: src/metabase/driver/postgres.clj at 008fd667, driver/postgres/pivot.clj at 4f790037,
-- driver/sql_jdbc/sync/describe_database.clj at 00f84ab8, sync/describe_table.clj at 00c37c66, sql_jdbc/execute.clj at 0041072d,
-- driver/common/table_rows_sample.clj at 05e508f6, and the SQL that test/metabase/driver/postgres_test.clj at 00260572 expects. Its
-- parameters stand in the statements; the tables and columns are grantd's.
-- name: connection
SELECT 1
-- name: isolation
SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ UNCOMMITTED
-- name: timezone
show timezone;
-- name: report timezone
SET SESSION TIMEZONE TO 'Asia/Tokyo';
-- name: hour in the report timezone
SELECT CAST(extract(hour from timestamptz '2024-02-29 23:00:00Z') AS integer) AS "h", DATE_TRUNC('day', timestamptz '2024-02-29 23:00:00Z') AS "d"
-- name: session timezone
SET SESSION TIMEZONE TO 'UTC';
-- name: role
SET ROLE NONE;
-- any order: privileges
with table_privileges as (
 select
   NULL as role,
   t.schemaname as schema,
   t.objectname as table,
   pg_catalog.has_any_column_privilege(current_user, '"' || replace(t.schemaname, '"', '""') || '"' || '.' || '"' || replace(t.objectname, '"', '""') || '"',  'update') as update,
   pg_catalog.has_any_column_privilege(current_user, '"' || replace(t.schemaname, '"', '""') || '"' || '.' || '"' || replace(t.objectname, '"', '""') || '"',  'select') as select,
   pg_catalog.has_any_column_privilege(current_user, '"' || replace(t.schemaname, '"', '""') || '"' || '.' || '"' || replace(t.objectname, '"', '""') || '"',  'insert') as insert,
   pg_catalog.has_table_privilege(     current_user, '"' || replace(t.schemaname, '"', '""') || '"' || '.' || '"' || replace(t.objectname, '"', '""') || '"',  'delete') as delete
 from (
   select schemaname, tablename as objectname from pg_catalog.pg_tables
   union
   select schemaname, viewname as objectname from pg_catalog.pg_views
   union
   select schemaname, matviewname as objectname from pg_catalog.pg_matviews
 ) t
 where t.schemaname !~ '^pg_'
   and t.schemaname <> 'information_schema'
   and pg_catalog.has_schema_privilege(current_user, t.schemaname, 'usage')
)
select t.*
from table_privileges t
-- name: tables
SELECT "n"."nspname" AS "schema", "c"."relname" AS "name", CASE "c"."relkind" WHEN 'r' THEN 'TABLE' WHEN 'p' THEN 'PARTITIONED TABLE' WHEN 'v' THEN 'VIEW' WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE NULL END AS "type", "d"."description" AS "description", "stat"."n_live_tup" AS "estimated_row_count" FROM "pg_catalog"."pg_class" AS "c" INNER JOIN "pg_catalog"."pg_namespace" AS "n" ON "c"."relnamespace" = "n"."oid" LEFT JOIN "pg_catalog"."pg_description" AS "d" ON ("c"."oid" = "d"."objoid") AND ("d"."objsubid" = 0) AND ("d"."classoid" = 'pg_class'::regclass) LEFT JOIN "pg_stat_user_tables" AS "stat" ON ("n"."nspname" = "stat"."schemaname") AND ("c"."relname" = "stat"."relname") WHERE ("c"."relnamespace" = "n"."oid") AND ("n"."nspname" !~ '^pg_') AND ("n"."nspname" <> 'information_schema') AND c.relkind in ('r', 'p', 'v', 'f', 'm') AND ("n"."nspname" IN ('public')) ORDER BY "type" ASC, "schema" ASC, "name" ASC
-- name: fields
SELECT "c"."column_name" AS "name", CASE WHEN "c"."udt_schema" IN ('public', 'pg_catalog') THEN FORMAT('%s', "c"."udt_name") ELSE FORMAT('"%s"."%s"', "c"."udt_schema", "c"."udt_name") END AS "database-type", "c"."ordinal_position" - 1 AS "database-position", "c"."table_schema" AS "table-schema", "c"."table_name" AS "table-name", "pk"."column_name" IS NOT NULL AS "pk?", COL_DESCRIPTION(CAST(CAST(FORMAT('%I.%I', CAST("c"."table_schema" AS TEXT), CAST("c"."table_name" AS TEXT)) AS REGCLASS) AS OID), "c"."ordinal_position") AS "field-comment", (("column_default" IS NULL) OR (LOWER("column_default") = 'null')) AND ("is_nullable" = 'NO') AND NOT ((("column_default" IS NOT NULL) AND ("column_default" LIKE '%nextval(%')) OR ("is_identity" <> 'NO')) AS "database-required", (("column_default" IS NOT NULL) AND ("column_default" LIKE '%nextval(%')) OR ("is_identity" <> 'NO') AS "database-is-auto-increment" FROM "information_schema"."columns" AS "c" LEFT JOIN (SELECT "tc"."table_schema", "tc"."table_name", "kc"."column_name" FROM "information_schema"."table_constraints" AS "tc" INNER JOIN "information_schema"."key_column_usage" AS "kc" ON ("tc"."constraint_name" = "kc"."constraint_name") AND ("tc"."table_schema" = "kc"."table_schema") AND ("tc"."table_name" = "kc"."table_name") WHERE "tc"."constraint_type" = 'PRIMARY KEY') AS "pk" ON ("c"."table_schema" = "pk"."table_schema") AND ("c"."table_name" = "pk"."table_name") AND ("c"."column_name" = "pk"."column_name") WHERE c.table_schema !~ '^information_schema|catalog_history|pg_' AND ("c"."table_schema" IN ('public')) UNION ALL SELECT "pa"."attname" AS "name", CASE WHEN "ptn"."nspname" IN ('public', 'pg_catalog') THEN FORMAT('%s', "pt"."typname") ELSE FORMAT('"%s"."%s"', "ptn"."nspname", "pt"."typname") END AS "database-type", "pa"."attnum" - 1 AS "database-position", "pn"."nspname" AS "table-schema", "pc"."relname" AS "table-name", FALSE AS "pk?", NULL AS "field-comment", FALSE AS "database-required", FALSE AS "database-is-auto-increment" FROM "pg_catalog"."pg_class" AS "pc" INNER JOIN "pg_catalog"."pg_namespace" AS "pn" ON "pn"."oid" = "pc"."relnamespace" INNER JOIN "pg_catalog"."pg_attribute" AS "pa" ON "pa"."attrelid" = "pc"."oid" INNER JOIN "pg_catalog"."pg_type" AS "pt" ON "pt"."oid" = "pa"."atttypid" INNER JOIN "pg_catalog"."pg_namespace" AS "ptn" ON "ptn"."oid" = "pt"."typnamespace" WHERE ("pc"."relkind" = 'm') AND ("pa"."attnum" >= 1) AND ("pn"."nspname" IN ('public')) ORDER BY "table-schema" ASC, "table-name" ASC, "database-position" ASC
-- name: fields of a table
SELECT "c"."column_name" AS "name", CASE WHEN "c"."udt_schema" IN ('public', 'pg_catalog') THEN FORMAT('%s', "c"."udt_name") ELSE FORMAT('"%s"."%s"', "c"."udt_schema", "c"."udt_name") END AS "database-type", "c"."ordinal_position" - 1 AS "database-position", "c"."table_schema" AS "table-schema", "c"."table_name" AS "table-name", "pk"."column_name" IS NOT NULL AS "pk?", COL_DESCRIPTION(CAST(CAST(FORMAT('%I.%I', CAST("c"."table_schema" AS TEXT), CAST("c"."table_name" AS TEXT)) AS REGCLASS) AS OID), "c"."ordinal_position") AS "field-comment", (("column_default" IS NULL) OR (LOWER("column_default") = 'null')) AND ("is_nullable" = 'NO') AND NOT ((("column_default" IS NOT NULL) AND ("column_default" LIKE '%nextval(%')) OR ("is_identity" <> 'NO')) AS "database-required", (("column_default" IS NOT NULL) AND ("column_default" LIKE '%nextval(%')) OR ("is_identity" <> 'NO') AS "database-is-auto-increment" FROM "information_schema"."columns" AS "c" LEFT JOIN (SELECT "tc"."table_schema", "tc"."table_name", "kc"."column_name" FROM "information_schema"."table_constraints" AS "tc" INNER JOIN "information_schema"."key_column_usage" AS "kc" ON ("tc"."constraint_name" = "kc"."constraint_name") AND ("tc"."table_schema" = "kc"."table_schema") AND ("tc"."table_name" = "kc"."table_name") WHERE "tc"."constraint_type" = 'PRIMARY KEY') AS "pk" ON ("c"."table_schema" = "pk"."table_schema") AND ("c"."table_name" = "pk"."table_name") AND ("c"."column_name" = "pk"."column_name") WHERE c.table_schema !~ '^information_schema|catalog_history|pg_' AND ("c"."table_schema" IN ('public')) AND ("c"."table_name" IN ('users')) UNION ALL SELECT "pa"."attname" AS "name", CASE WHEN "ptn"."nspname" IN ('public', 'pg_catalog') THEN FORMAT('%s', "pt"."typname") ELSE FORMAT('"%s"."%s"', "ptn"."nspname", "pt"."typname") END AS "database-type", "pa"."attnum" - 1 AS "database-position", "pn"."nspname" AS "table-schema", "pc"."relname" AS "table-name", FALSE AS "pk?", NULL AS "field-comment", FALSE AS "database-required", FALSE AS "database-is-auto-increment" FROM "pg_catalog"."pg_class" AS "pc" INNER JOIN "pg_catalog"."pg_namespace" AS "pn" ON "pn"."oid" = "pc"."relnamespace" INNER JOIN "pg_catalog"."pg_attribute" AS "pa" ON "pa"."attrelid" = "pc"."oid" INNER JOIN "pg_catalog"."pg_type" AS "pt" ON "pt"."oid" = "pa"."atttypid" INNER JOIN "pg_catalog"."pg_namespace" AS "ptn" ON "ptn"."oid" = "pt"."typnamespace" WHERE ("pc"."relkind" = 'm') AND ("pa"."attnum" >= 1) AND ("pn"."nspname" IN ('public')) AND ("pc"."relname" IN ('users')) ORDER BY "table-schema" ASC, "table-name" ASC, "database-position" ASC
-- name: foreign keys
SELECT "fk_ns"."nspname" AS "fk-table-schema", "fk_table"."relname" AS "fk-table-name", "fk_column"."attname" AS "fk-column-name", "pk_ns"."nspname" AS "pk-table-schema", "pk_table"."relname" AS "pk-table-name", "pk_column"."attname" AS "pk-column-name" FROM "pg_constraint" AS "c" INNER JOIN "pg_class" AS "fk_table" ON "c"."conrelid" = "fk_table"."oid" INNER JOIN "pg_namespace" AS "fk_ns" ON "c"."connamespace" = "fk_ns"."oid" INNER JOIN "pg_attribute" AS "fk_column" ON "c"."conrelid" = "fk_column"."attrelid" INNER JOIN "pg_class" AS "pk_table" ON "c"."confrelid" = "pk_table"."oid" INNER JOIN "pg_namespace" AS "pk_ns" ON "pk_table"."relnamespace" = "pk_ns"."oid" INNER JOIN "pg_attribute" AS "pk_column" ON "c"."confrelid" = "pk_column"."attrelid" WHERE fk_ns.nspname !~ '^information_schema|catalog_history|pg_' AND ("c"."contype" = 'f'::char) AND ("fk_column"."attnum" = ANY(c.conkey)) AND ("pk_column"."attnum" = ANY(c.confkey)) AND ("fk_ns"."nspname" IN ('public')) ORDER BY "fk-table-schema" ASC, "fk-table-name" ASC
-- name: indexes
SELECT "tmp"."table-schema", "tmp"."table-name", TRIM(BOTH '"' FROM PG_CATALOG.PG_GET_INDEXDEF("tmp"."ci_oid", "tmp"."pos", FALSE)) AS "field-name" FROM (SELECT "n"."nspname" AS "table-schema", "ct"."relname" AS "table-name", "ci"."oid" AS "ci_oid", (INFORMATION_SCHEMA._PG_EXPANDARRAY("i"."indkey"))."n" AS "pos" FROM "pg_catalog"."pg_class" AS "ct" INNER JOIN "pg_catalog"."pg_namespace" AS "n" ON "ct"."relnamespace" = "n"."oid" INNER JOIN "pg_catalog"."pg_index" AS "i" ON "ct"."oid" = "i"."indrelid" INNER JOIN "pg_catalog"."pg_class" AS "ci" ON "ci"."oid" = "i"."indexrelid" WHERE (PG_CATALOG.PG_GET_EXPR("i"."indpred", "i"."indrelid") IS NULL) AND n.nspname !~ '^information_schema|catalog_history|pg_' AND ("n"."nspname" IN ('public'))) AS "tmp" WHERE "tmp"."pos" = 1
-- name: enums
SELECT nspname, typname FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.oid IN (SELECT DISTINCT enumtypid FROM pg_enum e)
-- name: database probe
SELECT TRUE AS "_" FROM "public"."users" WHERE 1 <> 1 LIMIT 0
-- name: missing table
SELECT TRUE AS "_" FROM "public"."no_such_table" WHERE 1 <> 1 LIMIT 0
-- any order: sample of nested fields
SELECT CASE WHEN 50000 < LENGTH(CAST("public"."users"."comment" AS text)) THEN NULL ELSE "public"."users"."comment" END AS "comment" FROM "public"."users" LIMIT 500
-- any order: sample by keys
SELECT CASE WHEN 50000 < LENGTH(CAST("public"."users"."comment" AS text)) THEN NULL ELSE "public"."users"."comment" END AS "comment" FROM "public"."users" INNER JOIN ((SELECT "public"."users"."user_name" FROM "public"."users" ORDER BY "public"."users"."user_name" ASC LIMIT 250) UNION ALL (SELECT "public"."users"."user_name" FROM "public"."users" ORDER BY "public"."users"."user_name" DESC LIMIT 250)) AS "result" ON ("result"."user_name" = "public"."users"."user_name")
-- any order: fingerprint
SELECT "public"."users"."disabled" AS "disabled", "public"."users"."created_on" AS "created_on", SUBSTRING("public"."users"."user_name", 1, 1234) AS "substring108", SUBSTRING("public"."users"."comment", 1, 1234) AS "substring109" FROM "public"."users" LIMIT 10000
-- name: values of a field
SELECT "public"."users"."type" AS "type" FROM "public"."users" GROUP BY "public"."users"."type" ORDER BY "public"."users"."type" ASC LIMIT 1000
-- name: searched field
SELECT "public"."users"."user_name" AS "user_name" FROM "public"."users" WHERE (LOWER("public"."users"."user_name") LIKE '%main%') GROUP BY "public"."users"."user_name" ORDER BY "public"."users"."user_name" ASC LIMIT 1000
-- any order: rows
SELECT "public"."users"."account" AS "account", "public"."users"."user_name" AS "user_name", "public"."users"."disabled" AS "disabled", "public"."users"."created_on" AS "created_on" FROM "public"."users" LIMIT 2000
-- name: by minute
SELECT DATE_TRUNC('minute', "public"."users"."created_on") AS "created_on", COUNT(*) AS "count" FROM "public"."users" GROUP BY DATE_TRUNC('minute', "public"."users"."created_on") ORDER BY DATE_TRUNC('minute', "public"."users"."created_on") ASC
-- name: by hour
SELECT DATE_TRUNC('hour', "public"."users"."created_on") AS "created_on", COUNT(*) AS "count" FROM "public"."users" GROUP BY DATE_TRUNC('hour', "public"."users"."created_on") ORDER BY DATE_TRUNC('hour', "public"."users"."created_on") ASC
-- name: by day
SELECT CAST(CAST("public"."users"."created_on" AS date) AS timestamptz) AS "created_on", COUNT(*) AS "count" FROM "public"."users" GROUP BY CAST(CAST("public"."users"."created_on" AS date) AS timestamptz) ORDER BY CAST(CAST("public"."users"."created_on" AS date) AS timestamptz) ASC
-- name: by day as date
SELECT CAST("public"."users"."created_on" AS date) AS "created_on", COUNT(*) AS "count" FROM "public"."users" GROUP BY CAST("public"."users"."created_on" AS date) ORDER BY CAST("public"."users"."created_on" AS date) ASC
-- name: by week
SELECT (DATE_TRUNC('week', ("public"."users"."created_on" + INTERVAL '1 day')) + INTERVAL '-1 day') AS "created_on", COUNT(*) AS "count" FROM "public"."users" GROUP BY (DATE_TRUNC('week', ("public"."users"."created_on" + INTERVAL '1 day')) + INTERVAL '-1 day') ORDER BY (DATE_TRUNC('week', ("public"."users"."created_on" + INTERVAL '1 day')) + INTERVAL '-1 day') ASC
-- name: by week from monday
SELECT DATE_TRUNC('week', "public"."users"."created_on") AS "created_on", COUNT(*) AS "count" FROM "public"."users" GROUP BY DATE_TRUNC('week', "public"."users"."created_on") ORDER BY DATE_TRUNC('week', "public"."users"."created_on") ASC
-- name: by month
SELECT DATE_TRUNC('month', "public"."users"."created_on") AS "created_on", COUNT(*) AS "count" FROM "public"."users" GROUP BY DATE_TRUNC('month', "public"."users"."created_on") ORDER BY DATE_TRUNC('month', "public"."users"."created_on") ASC
-- name: by quarter
SELECT DATE_TRUNC('quarter', "public"."users"."created_on") AS "created_on", COUNT(*) AS "count" FROM "public"."users" GROUP BY DATE_TRUNC('quarter', "public"."users"."created_on") ORDER BY DATE_TRUNC('quarter', "public"."users"."created_on") ASC
-- name: by year
SELECT DATE_TRUNC('year', "public"."users"."created_on") AS "created_on", COUNT(*) AS "count" FROM "public"."users" GROUP BY DATE_TRUNC('year', "public"."users"."created_on") ORDER BY DATE_TRUNC('year', "public"."users"."created_on") ASC
-- name: by second of minute
SELECT CAST(extract(second from "public"."users"."created_on") AS integer) AS "created_on", COUNT(*) AS "count" FROM "public"."users" GROUP BY CAST(extract(second from "public"."users"."created_on") AS integer) ORDER BY CAST(extract(second from "public"."users"."created_on") AS integer) ASC
-- name: by minute of hour
SELECT CAST(extract(minute from "public"."users"."created_on") AS integer) AS "created_on", COUNT(*) AS "count" FROM "public"."users" GROUP BY CAST(extract(minute from "public"."users"."created_on") AS integer) ORDER BY CAST(extract(minute from "public"."users"."created_on") AS integer) ASC
-- name: by hour of day
SELECT CAST(extract(hour from "public"."users"."created_on") AS integer) AS "created_on", COUNT(*) AS "count" FROM "public"."users" GROUP BY CAST(extract(hour from "public"."users"."created_on") AS integer) ORDER BY CAST(extract(hour from "public"."users"."created_on") AS integer) ASC
-- name: by day of month
SELECT CAST(extract(day from "public"."users"."created_on") AS integer) AS "created_on", COUNT(*) AS "count" FROM "public"."users" GROUP BY CAST(extract(day from "public"."users"."created_on") AS integer) ORDER BY CAST(extract(day from "public"."users"."created_on") AS integer) ASC
-- name: by day of year
SELECT CAST(extract(doy from "public"."users"."created_on") AS integer) AS "created_on", COUNT(*) AS "count" FROM "public"."users" GROUP BY CAST(extract(doy from "public"."users"."created_on") AS integer) ORDER BY CAST(extract(doy from "public"."users"."created_on") AS integer) ASC
-- name: by month of year
SELECT CAST(extract(month from "public"."users"."created_on") AS integer) AS "created_on", COUNT(*) AS "count" FROM "public"."users" GROUP BY CAST(extract(month from "public"."users"."created_on") AS integer) ORDER BY CAST(extract(month from "public"."users"."created_on") AS integer) ASC
-- name: by quarter of year
SELECT CAST(extract(quarter from "public"."users"."created_on") AS integer) AS "created_on", COUNT(*) AS "count" FROM "public"."users" GROUP BY CAST(extract(quarter from "public"."users"."created_on") AS integer) ORDER BY CAST(extract(quarter from "public"."users"."created_on") AS integer) ASC
-- name: by year of era
SELECT CAST(extract(year from "public"."users"."created_on") AS integer) AS "created_on", COUNT(*) AS "count" FROM "public"."users" GROUP BY CAST(extract(year from "public"."users"."created_on") AS integer) ORDER BY CAST(extract(year from "public"."users"."created_on") AS integer) ASC
-- name: by iso week of year
SELECT CAST(extract(week from "public"."users"."created_on") AS integer) AS "created_on", COUNT(*) AS "count" FROM "public"."users" GROUP BY CAST(extract(week from "public"."users"."created_on") AS integer) ORDER BY CAST(extract(week from "public"."users"."created_on") AS integer) ASC
-- name: by day of week
SELECT (CAST(extract(dow from "public"."users"."created_on") AS integer) + 1) AS "created_on", COUNT(*) AS "count" FROM "public"."users" GROUP BY (CAST(extract(dow from "public"."users"."created_on") AS integer) + 1) ORDER BY (CAST(extract(dow from "public"."users"."created_on") AS integer) + 1) ASC
-- name: by day of week from monday
SELECT CASE WHEN (((CAST(extract(dow from "public"."users"."created_on") AS integer) + 1) + 6) % 7) = 0 THEN 7 ELSE (((CAST(extract(dow from "public"."users"."created_on") AS integer) + 1) + 6) % 7) END AS "created_on", COUNT(*) AS "count" FROM "public"."users" GROUP BY CASE WHEN (((CAST(extract(dow from "public"."users"."created_on") AS integer) + 1) + 6) % 7) = 0 THEN 7 ELSE (((CAST(extract(dow from "public"."users"."created_on") AS integer) + 1) + 6) % 7) END ORDER BY CASE WHEN (((CAST(extract(dow from "public"."users"."created_on") AS integer) + 1) + 6) % 7) = 0 THEN 7 ELSE (((CAST(extract(dow from "public"."users"."created_on") AS integer) + 1) + 6) % 7) END ASC
-- name: by week of year
SELECT CEIL((CAST(extract(doy from (DATE_TRUNC('week', ("public"."users"."created_on" + INTERVAL '1 day')) + INTERVAL '-1 day')) AS integer) / 7.0)) AS "created_on", COUNT(*) AS "count" FROM "public"."users" GROUP BY CEIL((CAST(extract(doy from (DATE_TRUNC('week', ("public"."users"."created_on" + INTERVAL '1 day')) + INTERVAL '-1 day')) AS integer) / 7.0)) ORDER BY CEIL((CAST(extract(doy from (DATE_TRUNC('week', ("public"."users"."created_on" + INTERVAL '1 day')) + INTERVAL '-1 day')) AS integer) / 7.0)) ASC
-- name: dates
SELECT CAST(DATE_TRUNC('month', CAST(timestamp '2024-02-29 23:45:10' AS date)) AS date) AS "month", CAST((CAST(timestamp '2024-02-29 23:45:10' AS date) + INTERVAL '1 day') AS date) AS "next", CAST((CAST(DATE_TRUNC('week', CAST((CAST(timestamp '2024-02-29 23:45:10' AS date) + INTERVAL '1 day') AS date)) AS date) + INTERVAL '-1 day') AS date) AS "week", DATE_TRUNC('quarter', CAST('2024-02-29' AS timestamp)) AS "quarter", (CAST('2024-02-29T10:00:00' AS timestamp) + INTERVAL '3 month') AS "later"
-- name: times
SELECT make_time(extract(hour from CAST('13:45:10.5' AS time))::integer, 0, 0.0) AS "hour", make_time(extract(hour from CAST('13:45:10.5' AS time))::integer, extract(minute from CAST('13:45:10.5' AS time))::integer, 0.0) AS "minute"
-- any order: time zone
SELECT TIMEZONE('Asia/Tokyo', "public"."users"."created_on") AS "created_on", DATE_TRUNC('day', TIMEZONE('Asia/Tokyo', "public"."users"."created_on")) AS "day" FROM "public"."users"
-- name: time zone of a timestamp
SELECT TIMEZONE('America/New_York', TIMEZONE('UTC', CAST('2024-02-29 23:00:00' AS timestamp))) AS "a"
-- name: now
SELECT NOW() > timestamptz '2020-01-01 00:00:00Z' AS "now", CAST(CAST(NOW() AS date) AS timestamptz) <= NOW() AS "today"
-- name: today
SELECT COUNT(*) AS "count" FROM "public"."users" WHERE ("public"."users"."created_on" >= CAST(CAST(NOW() AS date) AS timestamptz)) AND ("public"."users"."created_on" < CAST(CAST((NOW() + INTERVAL '1 day') AS date) AS timestamptz))
-- name: relative dates
SELECT COUNT(*) AS "count" FROM "public"."users" WHERE ("public"."users"."created_on" >= CAST(CAST((NOW() + INTERVAL '-3000 day') AS date) AS timestamptz)) AND ("public"."users"."created_on" < CAST(CAST((NOW() + INTERVAL '3000 day') AS date) AS timestamptz))
-- name: relative dates with an offset
SELECT COUNT(*) AS "count" FROM "public"."users" WHERE ("public"."users"."created_on" >= (CAST(CAST((NOW() + INTERVAL '-300000 day') AS date) AS timestamptz) + INTERVAL '-7 day')) AND ("public"."users"."created_on" < (CAST(CAST(NOW() AS date) AS timestamptz) + INTERVAL '7 day'))
-- name: relative months
SELECT COUNT(*) AS "count" FROM "public"."users" WHERE ("public"."users"."created_on" >= DATE_TRUNC('month', (NOW() + INTERVAL '-100 month'))) AND ("public"."users"."created_on" < DATE_TRUNC('month', (NOW() + INTERVAL '12 month')))
-- name: relative weeks
SELECT COUNT(*) AS "count" FROM "public"."users" WHERE ("public"."users"."created_on" >= (DATE_TRUNC('week', ((NOW() + INTERVAL '-400 week') + INTERVAL '1 day')) + INTERVAL '-1 day')) AND ("public"."users"."created_on" < (DATE_TRUNC('week', ((NOW() + INTERVAL '10 week') + INTERVAL '1 day')) + INTERVAL '-1 day'))
-- name: absolute dates
SELECT COUNT(*) AS "count" FROM "public"."users" WHERE ("public"."users"."created_on" >= timestamp with time zone '2020-01-01 00:00:00.000Z') AND ("public"."users"."created_on" < timestamp with time zone '2100-01-01 00:00:00.000Z')
-- name: a date
SELECT COUNT(*) AS "count" FROM "public"."users" WHERE CAST("public"."users"."created_on" AS date) BETWEEN date '2020-01-01' AND date '2100-01-01'
-- name: differences of times
SELECT CAST(extract(year from AGE(DATE_TRUNC('day', CAST('2024-02-29T23:30:10' AS timestamp)), DATE_TRUNC('day', CAST('2021-10-03T09:00:00' AS timestamp)))) AS integer) AS "years", (CAST((extract(month from AGE(DATE_TRUNC('day', CAST('2024-02-29T23:30:10' AS timestamp)), DATE_TRUNC('day', CAST('2021-10-03T09:00:00' AS timestamp)))) + (extract(year from AGE(DATE_TRUNC('day', CAST('2024-02-29T23:30:10' AS timestamp)), DATE_TRUNC('day', CAST('2021-10-03T09:00:00' AS timestamp)))) * 12)) AS integer) / 3) AS "quarters", CAST((extract(month from AGE(DATE_TRUNC('day', CAST('2024-02-29T23:30:10' AS timestamp)), DATE_TRUNC('day', CAST('2021-10-03T09:00:00' AS timestamp)))) + (extract(year from AGE(DATE_TRUNC('day', CAST('2024-02-29T23:30:10' AS timestamp)), DATE_TRUNC('day', CAST('2021-10-03T09:00:00' AS timestamp)))) * 12)) AS integer) AS "months", ((CAST(CAST('2024-02-29T23:30:10' AS timestamp) AS DATE) - CAST(CAST('2021-10-03T09:00:00' AS timestamp) AS DATE)) / 7) AS "weeks", (CAST(CAST('2024-02-29T23:30:10' AS timestamp) AS DATE) - CAST(CAST('2021-10-03T09:00:00' AS timestamp) AS DATE)) AS "days", (CAST(TRUNC((extract(epoch from CAST('2024-02-29T23:30:10' AS timestamp)) - extract(epoch from CAST('2021-10-03T09:00:00' AS timestamp)))) AS integer) / 3600) AS "hours", (CAST(TRUNC((extract(epoch from CAST('2024-02-29T23:30:10' AS timestamp)) - extract(epoch from CAST('2021-10-03T09:00:00' AS timestamp)))) AS integer) / 60) AS "minutes", CAST(TRUNC((extract(epoch from CAST('2024-02-29T23:30:10' AS timestamp)) - extract(epoch from CAST('2021-10-03T09:00:00' AS timestamp)))) AS integer) AS "seconds"
-- name: times of texts
SELECT TO_TIMESTAMP(1577836800) AS "a", TO_TIMESTAMP('20240229234510', 'YYYYMMDDHH24MISS') AS "b", CAST('2024-02-29' AS date) AS "c", CAST('2024-02-29T23:45:10' AS timestamp) AS "d"
-- name: filters of texts
SELECT "public"."users"."user_name" AS "user_name" FROM "public"."users" WHERE ("public"."users"."user_name" LIKE 'M%') AND (LOWER("public"."users"."user_name") LIKE '%n') AND ((NOT ("public"."users"."user_name" LIKE '%x%')) OR ("public"."users"."user_name" IS NULL)) AND (("public"."users"."email" IS NULL) OR ("public"."users"."email" = '')) AND (("public"."users"."type" <> 'SERVICE') OR ("public"."users"."type" IS NULL)) LIMIT 1048575
-- name: filter with an escape
SELECT "public"."users"."user_name" AS "user_name" FROM "public"."users" WHERE ("public"."users"."user_name" LIKE '%D\_SVC' ESCAPE '\') LIMIT 1048575
-- name: filters of numbers
SELECT COUNT(*) AS "count" FROM "public"."effective_privileges" WHERE ("public"."effective_privileges"."role_count" BETWEEN 1 AND 3) AND (("public"."effective_privileges"."role_count" = 1) OR ("public"."effective_privileges"."role_count" > 2)) AND ("public"."effective_privileges"."usable" = TRUE)
-- name: texts
SELECT CONCAT("public"."users"."user_name", ' ', "public"."users"."type") AS "a", UPPER("public"."users"."type") AS "b", LOWER("public"."users"."type") AS "c", LENGTH("public"."users"."type") AS "d", TRIM("public"."users"."type") AS "e", LTRIM("public"."users"."type") AS "f", RTRIM("public"."users"."type") AS "g", REPLACE("public"."users"."type", 'S', 's') AS "h", SUBSTRING("public"."users"."type", 2, 3) AS "i", COALESCE("public"."users"."email", 'none') AS "j", CASE WHEN 2 < 1 THEN '' ELSE SPLIT_PART("public"."users"."user_name", '_', 2) END AS "k", substring("public"."users"."user_name" FROM '^[A-Z]+') AS "l", CAST("public"."users"."disabled" AS TEXT) AS "m" FROM "public"."users" ORDER BY "public"."users"."user_name" ASC
-- name: numbers
SELECT FLOOR(1.5) AS "a", CEIL(1.5) AS "b", ROUND(1.5) AS "c", ABS(-1.5) AS "d", POWER(2, 10) AS "e", SQRT(2) AS "f", EXP(1) AS "g", LOG(10, 1000) AS "h", CAST('12' AS BIGINT) AS "i", CAST('1.5' AS DOUBLE PRECISION) AS "j", CAST(7 AS DOUBLE PRECISION) / NULLIF(2, 0) AS "k", (7 + 2) * 3 AS "l"
-- name: bins
SELECT ((FLOOR((("public"."effective_privileges"."role_count" - 0.75) / 0.75)) * 0.75) + 0.75) AS "role_count", COUNT(*) AS "count" FROM "public"."effective_privileges" GROUP BY ((FLOOR((("public"."effective_privileges"."role_count" - 0.75) / 0.75)) * 0.75) + 0.75) ORDER BY ((FLOOR((("public"."effective_privileges"."role_count" - 0.75) / 0.75)) * 0.75) + 0.75) ASC
-- name: distinct
SELECT COUNT(DISTINCT "public"."effective_privileges"."user_name") AS "count", SUM("public"."effective_privileges"."role_count") AS "sum", AVG("public"."effective_privileges"."role_count") AS "avg", MIN("public"."effective_privileges"."role_count") AS "min", MAX("public"."effective_privileges"."role_count") AS "max", STDDEV_POP("public"."effective_privileges"."role_count") AS "stddev", VAR_POP("public"."effective_privileges"."role_count") AS "var" FROM "public"."effective_privileges"
-- name: percentile
SELECT PERCENTILE_CONT(0.5) within group (order by "public"."effective_privileges"."role_count") AS "median", PERCENTILE_CONT(0.9) within group (order by "public"."effective_privileges"."role_count") AS "percentile" FROM "public"."effective_privileges"
-- name: conditional
SELECT SUM(CASE WHEN "public"."effective_privileges"."usable" = TRUE THEN 1 ELSE 0.0 END) AS "count-where", SUM(CASE WHEN "public"."effective_privileges"."usable" = TRUE THEN "public"."effective_privileges"."role_count" ELSE 0.0 END) AS "sum-where", COUNT(DISTINCT CASE WHEN "public"."effective_privileges"."usable" = TRUE THEN "public"."effective_privileges"."user_name" END) AS "distinct-where" FROM "public"."effective_privileges"
-- name: share
SELECT CAST(SUM(CASE WHEN "public"."effective_privileges"."usable" = TRUE THEN 1 ELSE 0.0 END) AS DOUBLE PRECISION) / NULLIF(COUNT(*), 0) AS "share" FROM "public"."effective_privileges"
-- name: having
SELECT "__mb_source"."user_name" AS "user_name", "__mb_source"."count" AS "count" FROM (SELECT "public"."effective_privileges"."user_name" AS "user_name", COUNT(*) AS "count" FROM "public"."effective_privileges" GROUP BY "public"."effective_privileges"."user_name" ORDER BY "public"."effective_privileges"."user_name" ASC) AS "__mb_source" WHERE "__mb_source"."count" > 10 ORDER BY "__mb_source"."count" DESC, "__mb_source"."user_name" ASC LIMIT 1048575
-- name: custom column
SELECT "__mb_source"."kind" AS "kind", COUNT(*) AS "count" FROM (SELECT "public"."effective_privileges"."privilege" AS "privilege", CASE WHEN "public"."effective_privileges"."object_type" = 'DATABASE' THEN 'db' WHEN "public"."effective_privileges"."object_type" IS NULL THEN 'none' ELSE 'other' END AS "kind" FROM "public"."effective_privileges") AS "__mb_source" GROUP BY "__mb_source"."kind" ORDER BY "__mb_source"."kind" ASC
-- any order: join
SELECT "public"."users"."user_name" AS "user_name", "Privileges"."privilege" AS "Privileges__privilege" FROM "public"."users" LEFT JOIN "public"."effective_privileges" AS "Privileges" ON ("public"."users"."account" = "Privileges"."account") AND ("public"."users"."user_name" = "Privileges"."user_name") LIMIT 1048575
-- any order: join of a question
SELECT "public"."users"."user_name" AS "user_name", "Question 7"."count" AS "Question 7__count" FROM "public"."users" LEFT JOIN (SELECT "public"."effective_privileges"."user_name" AS "user_name", COUNT(*) AS "count" FROM "public"."effective_privileges" GROUP BY "public"."effective_privileges"."user_name" ORDER BY "public"."effective_privileges"."user_name" ASC) AS "Question 7" ON "public"."users"."user_name" = "Question 7"."user_name" LIMIT 1048575
-- name: cumulative sum
SELECT "public"."effective_privileges"."object_type" AS "object_type", SUM(SUM("public"."effective_privileges"."role_count")) OVER (ORDER BY "public"."effective_privileges"."object_type" ASC ROWS UNBOUNDED PRECEDING) AS "sum", SUM(COUNT(*)) OVER (ORDER BY "public"."effective_privileges"."object_type" ASC ROWS UNBOUNDED PRECEDING) AS "count" FROM "public"."effective_privileges" GROUP BY "public"."effective_privileges"."object_type" ORDER BY "public"."effective_privileges"."object_type" ASC
-- name: offset
SELECT "public"."effective_privileges"."object_type" AS "object_type", LAG(SUM("public"."effective_privileges"."role_count"), 1) OVER (ORDER BY "public"."effective_privileges"."object_type" ASC) AS "last", LEAD(COUNT(*), 1) OVER (ORDER BY "public"."effective_privileges"."object_type" ASC) AS "next" FROM "public"."effective_privileges" GROUP BY "public"."effective_privileges"."object_type" ORDER BY "public"."effective_privileges"."object_type" ASC
-- name: pivot
SELECT "public"."effective_privileges"."user_name" AS "user_name", "public"."effective_privileges"."object_type" AS "object_type", GROUPING("public"."effective_privileges"."object_type", "public"."effective_privileges"."user_name") AS "pivot-grouping", COUNT(*) AS "count" FROM "public"."effective_privileges" GROUP BY GROUPING SETS (("public"."effective_privileges"."user_name", "public"."effective_privileges"."object_type"), ("public"."effective_privileges"."object_type"), ("public"."effective_privileges"."user_name"), ()) ORDER BY GROUPING("public"."effective_privileges"."object_type", "public"."effective_privileges"."user_name") ASC, "public"."effective_privileges"."user_name" ASC NULLS LAST, "public"."effective_privileges"."object_type" ASC NULLS LAST
-- name: nested field
SELECT DATE_TRUNC('month', CAST((("t"."j"#>> (array['a', 'b']::text[]))::VARCHAR) AS timestamp)) AS "month", ("t"."j"#>> (array['n']::text[]))::decimal AS "n" FROM (SELECT CAST('{"a": {"b": "2024-02-29"}, "n": 1.5}' AS jsonb) AS "j") AS "t"
-- name: model saved
CREATE SCHEMA IF NOT EXISTS "metabase_cache_1"
-- name: upload
CREATE TABLE "public"."upload_1" ("_mb_row_id" BIGSERIAL, "a" BIGINT, PRIMARY KEY ("_mb_row_id"))
