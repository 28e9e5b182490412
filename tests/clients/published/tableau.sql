-- Tableau, over psqlodbc: probing a connection, cursors and statements of worksheets with the functions of its PostgreSQL dialect.
-- The functions of tableau/connector-plugin-sdk at cdf746b3, samples/plugins/postgres_odbc/dialect.tdd. The probes and cursors as
-- servers logged them: the tests of Tableau's statements of Aircloak's and other gateways (without relhasoids, which PostgreSQL 12
-- dropped) and Alibaba Cloud's guide to Tableau with AnalyticDB for PostgreSQL; statements of worksheets from Adobe's guide of
-- Customer Journey Analytics (BI extension, use cases). The relations and columns are grantd's.
-- name: collation
show "lc_collate"
-- name: schema
select current_schema()
-- name: temporary table by a query
SELECT *
INTO TEMPORARY TABLE "#Tableau_5_1_Connect"
FROM (SELECT 1 AS COL) AS CHECKTEMP
LIMIT 1
-- name: temporary table dropped
DROP TABLE "#Tableau_5_1_Connect"
-- name: temporary table
CREATE LOCAL TEMPORARY TABLE "#Tableau_5_2_Connect" (
	"COL" INTEGER
	) ON COMMIT PRESERVE ROWS
-- name: after it
SELECT 1 AS "one"
-- name: grouping by numbers
SELECT "SUBCOL" AS "COL"
FROM (   SELECT 1 AS "SUBCOL" ) "SUBQUERY"
GROUP BY 1
-- name: having
SELECT "SUBCOL" AS "COL" FROM (   SELECT 1 AS "SUBCOL" ) "SUBQUERY" GROUP BY 1 HAVING COUNT(1)>0
-- name: top
SELECT "COL" FROM (SELECT 1 AS "COL") AS "CHECKTOP" LIMIT 1
-- name: list of relations
BEGIN;declare "SQL_CUR04645D10" cursor for select relname, nspname, relkind from pg_catalog.pg_class c, pg_catalog.pg_namespace n where relkind in ('r', 'v') and nspname not in ('pg_catalog', 'information_schema', 'pg_toast', 'pg_temp_1') and n.oid = relnamespace order by nspname, relname;fetch 2048 in "SQL_CUR04645D10";
-- name: end of the list
close "SQL_CUR04645D10";COMMIT
-- name: columns of a relation
select n.nspname, c.relname, a.attname, a.atttypid, t.typname, a.attnum, a.attlen, a.atttypmod, a.attnotnull, c.relhasrules, c.relkind, c.oid, pg_get_expr(d.adbin, d.adrelid), case t.typtype when 'd' then t.typbasetype else 0 end, t.typtypmod from (((pg_catalog.pg_class c inner join pg_catalog.pg_namespace n on n.oid = c.relnamespace and c.relname = 'users' and n.nspname = 'public') inner join pg_catalog.pg_attribute a on (not a.attisdropped) and a.attnum > 0 and a.attrelid = c.oid) inner join pg_catalog.pg_type t on t.oid = a.atttypid) left outer join pg_attrdef d on a.atthasdef and d.adrelid = a.attrelid and d.adnum = a.attnum order by n.nspname, c.relname, attnum
-- name: indexes of a relation
BEGIN;declare "SQL_CUR06145EE8" cursor for select c.relname, i.indkey, i.indisunique, i.indisclustered, a.amname, c.relhasrules, n.nspname, c.oid, 0 from pg_catalog.pg_index i, pg_catalog.pg_class c, pg_catalog.pg_class d, pg_catalog.pg_am a, pg_catalog.pg_namespace n where d.relname = 'users' and n.nspname = 'public' and n.oid = d.relnamespace and d.oid = i.indrelid and i.indexrelid = c.oid and c.relam = a.oid order by i.indisprimary desc, i.indisunique, n.nspname, c.relname;fetch 2048 in "SQL_CUR06145EE8"
-- name: primary key of a relation
declare "SQL_CUR04AD8270" cursor for select ta.attname, ia.attnum, ic.relname, n.nspname, tc.relname from pg_catalog.pg_attribute ta, pg_catalog.pg_attribute ia, pg_catalog.pg_class tc, pg_catalog.pg_index i, pg_catalog.pg_namespace n, pg_catalog.pg_class ic where tc.relname = 'users' AND n.nspname = 'public' AND tc.oid = i.indrelid AND n.oid = tc.relnamespace AND i.indisprimary = 't' AND ia.attrelid = i.indexrelid AND ta.attrelid = i.indrelid AND ta.attnum = i.indkey[ia.attnum-1] AND (NOT ta.attisdropped) AND (NOT ia.attisdropped) AND ic.oid = i.indexrelid order by ia.attnum;fetch 2048 in "SQL_CUR04AD8270"
-- name: end of the indexes
close "SQL_CUR06145EE8";close "SQL_CUR04AD8270";COMMIT
-- name: cursor
BEGIN;declare "SQL_CUR0x7f8a1c0" cursor with hold for SELECT "users"."user_name" AS "user_name"
FROM "public"."users" "users"
ORDER BY 1 ASC NULLS FIRST;fetch 2 in "SQL_CUR0x7f8a1c0"
-- name: more rows
fetch 2 in "SQL_CUR0x7f8a1c0"
-- name: no more rows
fetch 2 in "SQL_CUR0x7f8a1c0"
-- name: close
close "SQL_CUR0x7f8a1c0";COMMIT
-- name: cursor of a year
BEGIN;declare "SQL_CUR0x7fdabf04ca00" cursor with hold for SELECT "users"."type" AS "type",
  COUNT(1) AS "cnt_user_name_ok",
  ((CAST("users"."created_on" AS DATE) + CAST(TRUNC((-1 * (EXTRACT(DAY FROM "users"."created_on") - 1))) AS INTEGER) * INTERVAL '1 DAY') + CAST(TRUNC((-1 * (EXTRACT(MONTH FROM "users"."created_on") - 1))) AS INTEGER) * INTERVAL '1 MONTH') AS "tyr_created_on_ok"
FROM "public"."users" "users"
GROUP BY 1,
  3
ORDER BY 1;fetch 10000 in "SQL_CUR0x7fdabf04ca00"
-- name: end of the year
close "SQL_CUR0x7fdabf04ca00";COMMIT
-- name: no rows
SELECT *
FROM "public"."users" "users"
WHERE (1 = 0)
LIMIT 0
-- name: values of a filter
SELECT "users"."type" AS "type"
FROM "public"."users" "users"
GROUP BY 1
ORDER BY 1 ASC NULLS FIRST
-- any order: dimension
SELECT CAST("effective_privileges"."user_name" AS TEXT) AS "user_name",
  SUM("effective_privileges"."role_count") AS "sum:role_count:ok",
  COUNT(DISTINCT "effective_privileges"."object") AS "ctd:object:ok"
FROM "public"."effective_privileges" "effective_privileges"
WHERE ((CAST("effective_privileges"."object_type" AS TEXT) IN ('DATABASE', 'SCHEMA')) AND ("effective_privileges"."role_count" >= 1))
GROUP BY 1
-- any order: dates of a filter
SELECT CAST("users"."user_name" AS TEXT) AS "user_name"
FROM "public"."users" "users"
WHERE (("users"."created_on" >= (TIMESTAMP '2020-01-01 00:00:00.000')) AND ("users"."created_on" < (TIMESTAMP '2100-01-01 00:00:00.000')) AND ("users"."created_on" >= (DATE '2020-01-01')))
GROUP BY 1
-- any order: calculation
SELECT LOWER(CAST(CAST("effective_privileges"."object_type" AS TEXT) AS TEXT)) AS "Calculation_1562467608097775616",
  SUM("effective_privileges"."role_count") AS "sum:role_count:ok"
FROM "public"."effective_privileges" "effective_privileges"
GROUP BY 1
HAVING ((SUM("effective_privileges"."role_count") >= 9.99999998999) AND (SUM("effective_privileges"."role_count") <= 2000000.00000002))
-- any order: top n
SELECT CAST("effective_privileges"."user_name" AS TEXT) AS "user_name",
  SUM("effective_privileges"."role_count") AS "sum:role_count:ok"
FROM "public"."effective_privileges" "effective_privileges"
  INNER JOIN (
  SELECT CAST("effective_privileges"."user_name" AS TEXT) AS "user_name",
    SUM("effective_privileges"."role_count") AS "$__alias__0"
  FROM "public"."effective_privileges" "effective_privileges"
  GROUP BY 1
  ORDER BY 2 DESC,
    1 ASC
  LIMIT 2
) "t0" ON (CAST("effective_privileges"."user_name" AS TEXT) = "t0"."user_name")
GROUP BY 1
-- any order: nulls joined
SELECT "users"."user_name" AS "user_name", "t0"."n" AS "n"
FROM "public"."users" "users"
  LEFT JOIN (
  SELECT "user_name", COUNT(1) AS "n" FROM "public"."effective_privileges" GROUP BY 1
) "t0" ON (NOT ("users"."user_name" IS DISTINCT FROM "t0"."user_name"))
-- name: count of nothing
SELECT COUNT(1) AS "cnt"
FROM "public"."users" "users"
HAVING (COUNT(1) > 0)
-- name: sum of ones
SELECT SUM(1) AS "sum:Number of Records:ok"
FROM "public"."users" "users"
HAVING (COUNT(1) > 0)
-- any order: statement of the user
SELECT "Custom SQL Query"."user_name" AS "user_name",
  SUM("Custom SQL Query"."n") AS "sum:n:ok"
FROM (
  select user_name, count(*) as n from effective_privileges group by user_name
) "Custom SQL Query"
GROUP BY 1
-- name: aggregate STDEV
SELECT STDDEV("effective_privileges"."role_count") AS "v"
FROM "public"."effective_privileges" "effective_privileges"
HAVING (COUNT(1) > 0)
-- name: aggregate STDEVP
SELECT (CASE WHEN COUNT("effective_privileges"."role_count") = 1 THEN 0.0 WHEN COUNT("effective_privileges"."role_count") > 0 THEN (STDDEV("effective_privileges"."role_count") * SQRT(COUNT("effective_privileges"."role_count") - 1) / SQRT(COUNT("effective_privileges"."role_count")) ) ELSE NULL END) AS "v"
FROM "public"."effective_privileges" "effective_privileges"
HAVING (COUNT(1) > 0)
-- name: aggregate VAR
SELECT VARIANCE("effective_privileges"."role_count") AS "v"
FROM "public"."effective_privileges" "effective_privileges"
HAVING (COUNT(1) > 0)
-- name: aggregate VARP
SELECT (CASE WHEN COUNT("effective_privileges"."role_count") = 1 THEN 0.0 WHEN COUNT("effective_privileges"."role_count") > 0 THEN POWER(STDDEV("effective_privileges"."role_count") * SQRT(COUNT("effective_privileges"."role_count") - 1) / SQRT(COUNT("effective_privileges"."role_count")), 2) ELSE NULL END) AS "v"
FROM "public"."effective_privileges" "effective_privileges"
HAVING (COUNT(1) > 0)
-- name: aggregate COVAR
SELECT COVAR_SAMP("effective_privileges"."role_count", "effective_privileges"."role_count" * 2) AS "v"
FROM "public"."effective_privileges" "effective_privileges"
HAVING (COUNT(1) > 0)
-- name: aggregate COVARP
SELECT COVAR_POP("effective_privileges"."role_count", "effective_privileges"."role_count" * 2) AS "v"
FROM "public"."effective_privileges" "effective_privileges"
HAVING (COUNT(1) > 0)
-- name: aggregate CORR
SELECT CORR("effective_privileges"."role_count", "effective_privileges"."role_count" * 2) AS "v"
FROM "public"."effective_privileges" "effective_privileges"
HAVING (COUNT(1) > 0)
-- name: aggregate AVG
SELECT AVG("effective_privileges"."role_count") AS "v"
FROM "public"."effective_privileges" "effective_privileges"
HAVING (COUNT(1) > 0)
-- name: aggregates of flags
SELECT BOOL_OR("effective_privileges"."usable") AS "max", BOOL_AND("effective_privileges"."usable") AS "min", COUNT(DISTINCT "effective_privileges"."usable") AS "ctd"
FROM "public"."effective_privileges" "effective_privileges"
HAVING (COUNT(1) > 0)
-- name: DATEADD year
SELECT ((TIMESTAMP '2024-02-29 23:45:10.500') + 3 * INTERVAL '1 YEAR') AS "v"
-- name: DATEADD month
SELECT ((TIMESTAMP '2024-02-29 23:45:10.500') + 3 * INTERVAL '1 MONTH') AS "v"
-- name: DATEADD week
SELECT ((TIMESTAMP '2024-02-29 23:45:10.500') + 3 * INTERVAL '1 WEEK') AS "v"
-- name: DATEADD day
SELECT ((TIMESTAMP '2024-02-29 23:45:10.500') + 3 * INTERVAL '1 DAY') AS "v"
-- name: DATEADD hour
SELECT ((TIMESTAMP '2024-02-29 23:45:10.500') + 3 * INTERVAL '1 HOUR') AS "v"
-- name: DATEADD minute
SELECT ((TIMESTAMP '2024-02-29 23:45:10.500') + 3 * INTERVAL '1 MINUTE') AS "v"
-- name: DATEADD second
SELECT ((TIMESTAMP '2024-02-29 23:45:10.500') + 3 * INTERVAL '1 SECOND') AS "v"
-- name: DATEADD quarter
SELECT ((TIMESTAMP '2024-02-29 23:45:10.500') + 3 * 3 * INTERVAL '1 MONTH') AS "v"
-- name: DATEADD iso-week
SELECT ((TIMESTAMP '2024-02-29 23:45:10.500') + 3 * INTERVAL '1 WEEK') AS "v"
-- name: DATEADD iso-weekday
SELECT ((TIMESTAMP '2024-02-29 23:45:10.500') + 3 * INTERVAL '1 DAY') AS "v"
-- name: DATEADD iso-year
SELECT ((TIMESTAMP '2024-02-29 23:45:10.500') + (((CAST(DATE_TRUNC('DAY', CAST((DATE('1753-01-04') + ((EXTRACT(ISOYEAR FROM CAST((TIMESTAMP '2024-02-29 23:45:10.500') AS TIMESTAMP)) + 3) - 1753) * INTERVAL '1 YEAR') AS TIMESTAMP)) AS DATE) - (((7 + CAST(EXTRACT(DOW FROM (DATE('1753-01-04') + ((EXTRACT(ISOYEAR FROM CAST((TIMESTAMP '2024-02-29 23:45:10.500') AS TIMESTAMP)) + 3) - 1753) * INTERVAL '1 YEAR')) AS BIGINT) - 1) % 7) * INTERVAL '1 DAY')) + (CAST((TIMESTAMP '2024-02-29 23:45:10.500') AS DATE) - TO_DATE(TO_CHAR((TIMESTAMP '2024-02-29 23:45:10.500'), 'IYYY-01'), 'IYYY-IW')) * INTERVAL '1 DAY') - CAST((TIMESTAMP '2024-02-29 23:45:10.500') AS DATE))) AS "v"
-- name: DATEADD iso-quarter
SELECT ((TIMESTAMP '2024-02-29 23:45:10.500') + (((CAST(DATE_TRUNC('DAY', CAST((DATE('1753-01-04') + ((CAST(((EXTRACT(ISOYEAR FROM CAST((TIMESTAMP '2024-02-29 23:45:10.500') AS TIMESTAMP)) * 4 + (LEAST(CAST((EXTRACT(WEEK FROM (TIMESTAMP '2024-02-29 23:45:10.500')) - 1) AS BIGINT) / 13, 3) + 1)) + 3) AS INT) / 4) - 1753) * INTERVAL '1 YEAR') AS TIMESTAMP)) AS DATE) - (((7 + CAST(EXTRACT(DOW FROM (DATE('1753-01-04') + ((CAST(((EXTRACT(ISOYEAR FROM CAST((TIMESTAMP '2024-02-29 23:45:10.500') AS TIMESTAMP)) * 4 + (LEAST(CAST((EXTRACT(WEEK FROM (TIMESTAMP '2024-02-29 23:45:10.500')) - 1) AS BIGINT) / 13, 3) + 1)) + 3) AS INT) / 4) - 1753) * INTERVAL '1 YEAR')) AS BIGINT) - 1) % 7) * INTERVAL '1 DAY')) + (((CAST(((EXTRACT(ISOYEAR FROM CAST((TIMESTAMP '2024-02-29 23:45:10.500') AS TIMESTAMP)) * 4 + (LEAST(CAST((EXTRACT(WEEK FROM (TIMESTAMP '2024-02-29 23:45:10.500')) - 1) AS BIGINT) / 13, 3) + 1)) + 3) AS INT) % 4) - 1) * 91 + (CAST((TIMESTAMP '2024-02-29 23:45:10.500') AS DATE) - TO_DATE(TO_CHAR((TIMESTAMP '2024-02-29 23:45:10.500'), 'IYYY-') || (LEAST(CAST((EXTRACT(WEEK FROM (TIMESTAMP '2024-02-29 23:45:10.500')) - 1) AS BIGINT) / 13, 3) * 13 + 1), 'IYYY-IW'))) * INTERVAL '1 DAY') - CAST((TIMESTAMP '2024-02-29 23:45:10.500') AS DATE))) AS "v"
-- name: DATEDIFF day
SELECT CAST( FLOOR(EXTRACT(EPOCH FROM CAST((TIMESTAMP '2024-02-29 23:45:10.500') AS TIMESTAMP)) / 86400) - FLOOR(EXTRACT(EPOCH FROM CAST((TIMESTAMP '2021-10-03 09:00:00.000') AS TIMESTAMP)) / 86400) AS BIGINT) AS "v"
-- name: DATEDIFF year
SELECT CAST( EXTRACT(YEAR FROM CAST((TIMESTAMP '2024-02-29 23:45:10.500') AS TIMESTAMP)) - EXTRACT(YEAR FROM CAST((TIMESTAMP '2021-10-03 09:00:00.000') AS TIMESTAMP)) AS BIGINT) AS "v"
-- name: DATEDIFF quarter
SELECT CAST( (4 * EXTRACT(YEAR FROM CAST((TIMESTAMP '2024-02-29 23:45:10.500') AS TIMESTAMP)) + EXTRACT(QUARTER FROM CAST((TIMESTAMP '2024-02-29 23:45:10.500') AS TIMESTAMP))) - (4 * EXTRACT(YEAR FROM CAST((TIMESTAMP '2021-10-03 09:00:00.000') AS TIMESTAMP)) + EXTRACT(QUARTER FROM CAST((TIMESTAMP '2021-10-03 09:00:00.000') AS TIMESTAMP))) AS BIGINT) AS "v"
-- name: DATEDIFF month
SELECT CAST( (12 * EXTRACT(YEAR FROM CAST((TIMESTAMP '2024-02-29 23:45:10.500') AS TIMESTAMP)) + EXTRACT(MONTH FROM CAST((TIMESTAMP '2024-02-29 23:45:10.500') AS TIMESTAMP))) - (12 * EXTRACT(YEAR FROM CAST((TIMESTAMP '2021-10-03 09:00:00.000') AS TIMESTAMP)) + EXTRACT(MONTH FROM CAST((TIMESTAMP '2021-10-03 09:00:00.000') AS TIMESTAMP))) AS BIGINT) AS "v"
-- name: DATEDIFF week
SELECT CAST( FLOOR(( (FLOOR(EXTRACT(EPOCH FROM CAST((TIMESTAMP '2024-02-29 23:45:10.500') AS TIMESTAMP)) / 86400) - EXTRACT(DOW FROM CAST((TIMESTAMP '2024-02-29 23:45:10.500') AS TIMESTAMP)) ) - (FLOOR(EXTRACT(EPOCH FROM CAST((TIMESTAMP '2021-10-03 09:00:00.000') AS TIMESTAMP)) / 86400)- EXTRACT(DOW FROM CAST((TIMESTAMP '2021-10-03 09:00:00.000') AS TIMESTAMP)) ) ) / 7) AS BIGINT) AS "v"
-- name: DATEDIFF hour
SELECT CAST( FLOOR(EXTRACT(EPOCH FROM CAST((TIMESTAMP '2024-02-29 23:45:10.500') AS TIMESTAMP)) / 3600) - FLOOR(EXTRACT(EPOCH FROM CAST((TIMESTAMP '2021-10-03 09:00:00.000') AS TIMESTAMP)) / 3600) AS BIGINT) AS "v"
-- name: DATEDIFF minute
SELECT CAST( FLOOR(EXTRACT(EPOCH FROM CAST((TIMESTAMP '2024-02-29 23:45:10.500') AS TIMESTAMP)) / 60) - FLOOR(EXTRACT(EPOCH FROM CAST((TIMESTAMP '2021-10-03 09:00:00.000') AS TIMESTAMP)) / 60) AS BIGINT) AS "v"
-- name: DATEDIFF second
SELECT CAST( EXTRACT(EPOCH FROM CAST((TIMESTAMP '2024-02-29 23:45:10.500') AS TIMESTAMP)) - EXTRACT(EPOCH FROM CAST((TIMESTAMP '2021-10-03 09:00:00.000') AS TIMESTAMP)) AS BIGINT) AS "v"
-- name: DATEDIFF iso-week
SELECT CAST( FLOOR(( (FLOOR(EXTRACT(EPOCH FROM CAST((TIMESTAMP '2024-02-29 23:45:10.500') AS TIMESTAMP)) / 86400) - ((7 + CAST(EXTRACT(DOW FROM (TIMESTAMP '2024-02-29 23:45:10.500')) AS BIGINT) - 1) % 7)) - (FLOOR(EXTRACT(EPOCH FROM CAST((TIMESTAMP '2021-10-03 09:00:00.000') AS TIMESTAMP)) / 86400) - ((7 + CAST(EXTRACT(DOW FROM (TIMESTAMP '2021-10-03 09:00:00.000')) AS BIGINT) - 1) % 7)) ) / 7) AS BIGINT) AS "v"
-- name: DATEDIFF iso-weekday
SELECT CAST( FLOOR(EXTRACT(EPOCH FROM CAST((TIMESTAMP '2024-02-29 23:45:10.500') AS TIMESTAMP)) / 86400) - FLOOR(EXTRACT(EPOCH FROM CAST((TIMESTAMP '2021-10-03 09:00:00.000') AS TIMESTAMP)) / 86400) AS BIGINT) AS "v"
-- name: DATEDIFF iso-year
SELECT CAST( EXTRACT(ISOYEAR FROM CAST((TIMESTAMP '2024-02-29 23:45:10.500') AS TIMESTAMP)) - EXTRACT(ISOYEAR FROM CAST((TIMESTAMP '2021-10-03 09:00:00.000') AS TIMESTAMP)) AS BIGINT) AS "v"
-- name: DATEDIFF iso-quarter
SELECT CAST((4 * EXTRACT(ISOYEAR FROM (TIMESTAMP '2024-02-29 23:45:10.500')) + (LEAST(CAST((EXTRACT(WEEK FROM (TIMESTAMP '2024-02-29 23:45:10.500')) - 1) AS BIGINT) / 13, 3) + 1)) - (4 * EXTRACT(ISOYEAR FROM (TIMESTAMP '2021-10-03 09:00:00.000')) + (LEAST(CAST((EXTRACT(WEEK FROM (TIMESTAMP '2021-10-03 09:00:00.000')) - 1) AS BIGINT) / 13, 3) + 1)) AS BIGINT) AS "v"
-- name: DATEDIFF week from monday
SELECT CAST( FLOOR(( (FLOOR(EXTRACT(EPOCH FROM CAST((TIMESTAMP '2024-02-29 23:45:10.500') AS TIMESTAMP)) / 86400) - ((7 + CAST(EXTRACT(DOW FROM (TIMESTAMP '2024-02-29 23:45:10.500')) AS BIGINT) - 1) % 7)) - (FLOOR(EXTRACT(EPOCH FROM CAST(CAST((TIMESTAMP '2021-10-03 09:00:00.000') AS TIMESTAMP) AS TIMESTAMP)) / 86400) - ((7 + CAST(EXTRACT(DOW FROM CAST((TIMESTAMP '2021-10-03 09:00:00.000') AS TIMESTAMP)) AS BIGINT) - 1) % 7)) ) / 7) AS BIGINT) AS "v"
-- name: DATENAME year
SELECT TO_CHAR("users"."created_on", 'YYYY') AS "v",
  COUNT(1) AS "n"
FROM "public"."users" "users"
GROUP BY 1
ORDER BY 1
-- name: DATENAME quarter
SELECT TO_CHAR("users"."created_on", 'Q') AS "v",
  COUNT(1) AS "n"
FROM "public"."users" "users"
GROUP BY 1
ORDER BY 1
-- name: DATENAME month
SELECT TO_CHAR("users"."created_on", 'FMMonth') AS "v",
  COUNT(1) AS "n"
FROM "public"."users" "users"
GROUP BY 1
ORDER BY 1
-- name: DATENAME dayofyear
SELECT TO_CHAR("users"."created_on", 'FMDDD') AS "v",
  COUNT(1) AS "n"
FROM "public"."users" "users"
GROUP BY 1
ORDER BY 1
-- name: DATENAME day
SELECT TO_CHAR("users"."created_on", 'FMDD') AS "v",
  COUNT(1) AS "n"
FROM "public"."users" "users"
GROUP BY 1
ORDER BY 1
-- name: DATENAME weekday
SELECT TO_CHAR("users"."created_on", 'FMDay') AS "v",
  COUNT(1) AS "n"
FROM "public"."users" "users"
GROUP BY 1
ORDER BY 1
-- name: DATENAME hour
SELECT TO_CHAR("users"."created_on", 'FMHH24') AS "v",
  COUNT(1) AS "n"
FROM "public"."users" "users"
GROUP BY 1
ORDER BY 1
-- name: DATENAME minute
SELECT TO_CHAR("users"."created_on", 'FMMI') AS "v",
  COUNT(1) AS "n"
FROM "public"."users" "users"
GROUP BY 1
ORDER BY 1
-- name: DATENAME second
SELECT TO_CHAR("users"."created_on", 'FMSS') AS "v",
  COUNT(1) AS "n"
FROM "public"."users" "users"
GROUP BY 1
ORDER BY 1
-- name: DATENAME week
SELECT CAST(FLOOR((7 + EXTRACT(DOY FROM "users"."created_on") - 1 + EXTRACT(DOW FROM DATE_TRUNC('YEAR', "users"."created_on"))) / 7) AS TEXT) AS "v",
  COUNT(1) AS "n"
FROM "public"."users" "users"
GROUP BY 1
ORDER BY 1
-- name: DATENAME iso-quarter
SELECT CAST((LEAST(CAST((EXTRACT(WEEK FROM "users"."created_on") - 1) AS BIGINT) / 13, 3) + 1) AS TEXT) AS "v",
  COUNT(1) AS "n"
FROM "public"."users" "users"
GROUP BY 1
ORDER BY 1
-- name: DATENAME iso-week
SELECT TO_CHAR("users"."created_on", 'IW') AS "v",
  COUNT(1) AS "n"
FROM "public"."users" "users"
GROUP BY 1
ORDER BY 1
-- name: DATENAME iso-weekday
SELECT TO_CHAR("users"."created_on", 'ID') AS "v",
  COUNT(1) AS "n"
FROM "public"."users" "users"
GROUP BY 1
ORDER BY 1
-- name: DATENAME iso-year
SELECT TO_CHAR("users"."created_on", 'IYYY') AS "v",
  COUNT(1) AS "n"
FROM "public"."users" "users"
GROUP BY 1
ORDER BY 1
-- name: DATENAME week from monday
SELECT CAST(FLOOR((7 + EXTRACT(DOY FROM "users"."created_on") - 1 + (CAST(7 + EXTRACT(DOW FROM DATE_TRUNC('YEAR', "users"."created_on")) - 1 AS BIGINT) % 7) ) / 7) AS TEXT) AS "v",
  COUNT(1) AS "n"
FROM "public"."users" "users"
GROUP BY 1
ORDER BY 1
-- name: DATEPARSE
SELECT TO_TIMESTAMP('2024-02-29 23:45:10', 'YYYY-MM-DD HH24:MI:SS') AS "v"
-- name: DATEPART year
SELECT CAST(TRUNC(EXTRACT(YEAR FROM "users"."created_on")) AS INTEGER) AS "v",
  COUNT(1) AS "n"
FROM "public"."users" "users"
GROUP BY 1
ORDER BY 1
-- name: DATEPART quarter
SELECT CAST(TRUNC(EXTRACT(QUARTER FROM "users"."created_on")) AS INTEGER) AS "v",
  COUNT(1) AS "n"
FROM "public"."users" "users"
GROUP BY 1
ORDER BY 1
-- name: DATEPART month
SELECT CAST(TRUNC(EXTRACT(MONTH FROM "users"."created_on")) AS INTEGER) AS "v",
  COUNT(1) AS "n"
FROM "public"."users" "users"
GROUP BY 1
ORDER BY 1
-- name: DATEPART dayofyear
SELECT CAST(TRUNC(EXTRACT(DOY FROM "users"."created_on")) AS INTEGER) AS "v",
  COUNT(1) AS "n"
FROM "public"."users" "users"
GROUP BY 1
ORDER BY 1
-- name: DATEPART day
SELECT CAST(TRUNC(EXTRACT(DAY FROM "users"."created_on")) AS INTEGER) AS "v",
  COUNT(1) AS "n"
FROM "public"."users" "users"
GROUP BY 1
ORDER BY 1
-- name: DATEPART hour
SELECT CAST(TRUNC(EXTRACT(HOUR FROM "users"."created_on")) AS INTEGER) AS "v",
  COUNT(1) AS "n"
FROM "public"."users" "users"
GROUP BY 1
ORDER BY 1
-- name: DATEPART minute
SELECT CAST(TRUNC(EXTRACT(MINUTE FROM "users"."created_on")) AS INTEGER) AS "v",
  COUNT(1) AS "n"
FROM "public"."users" "users"
GROUP BY 1
ORDER BY 1
-- name: DATEPART second
SELECT CAST(TRUNC(EXTRACT(SECOND FROM "users"."created_on")) AS INTEGER) AS "v",
  COUNT(1) AS "n"
FROM "public"."users" "users"
GROUP BY 1
ORDER BY 1
-- name: DATEPART weekday
SELECT (1 + CAST(EXTRACT(DOW FROM "users"."created_on") AS INTEGER)) AS "v",
  COUNT(1) AS "n"
FROM "public"."users" "users"
GROUP BY 1
ORDER BY 1
-- name: DATEPART week
SELECT CAST(FLOOR((7 + EXTRACT(DOY FROM "users"."created_on") - 1 + EXTRACT(DOW FROM DATE_TRUNC('YEAR', "users"."created_on"))) / 7) AS INTEGER) AS "v",
  COUNT(1) AS "n"
FROM "public"."users" "users"
GROUP BY 1
ORDER BY 1
-- name: DATEPART iso-quarter
SELECT (LEAST(CAST((EXTRACT(WEEK FROM "users"."created_on") - 1) AS BIGINT) / 13, 3) + 1) AS "v",
  COUNT(1) AS "n"
FROM "public"."users" "users"
GROUP BY 1
ORDER BY 1
-- name: DATEPART iso-week
SELECT CAST(TRUNC(EXTRACT(WEEK FROM "users"."created_on")) AS INTEGER) AS "v",
  COUNT(1) AS "n"
FROM "public"."users" "users"
GROUP BY 1
ORDER BY 1
-- name: DATEPART iso-weekday
SELECT CAST(TRUNC(EXTRACT(ISODOW FROM "users"."created_on")) AS INTEGER) AS "v",
  COUNT(1) AS "n"
FROM "public"."users" "users"
GROUP BY 1
ORDER BY 1
-- name: DATEPART iso-year
SELECT CAST(TRUNC(EXTRACT(ISOYEAR FROM "users"."created_on")) AS INTEGER) AS "v",
  COUNT(1) AS "n"
FROM "public"."users" "users"
GROUP BY 1
ORDER BY 1
-- name: DATEPART week from monday
SELECT CAST(FLOOR((7 + EXTRACT(DOY FROM "users"."created_on") - 1 + (CAST(7 + EXTRACT(DOW FROM DATE_TRUNC('YEAR', "users"."created_on")) - 1 AS BIGINT) % 7)) / 7) AS INTEGER) AS "v",
  COUNT(1) AS "n"
FROM "public"."users" "users"
GROUP BY 1
ORDER BY 1
-- name: DATETRUNC year
SELECT DATE_TRUNC( 'YEAR', CAST("users"."created_on" AS TIMESTAMP) ) AS "v",
  COUNT(1) AS "n"
FROM "public"."users" "users"
GROUP BY 1
ORDER BY 1
-- name: DATETRUNC month
SELECT DATE_TRUNC( 'MONTH', CAST("users"."created_on" AS TIMESTAMP) ) AS "v",
  COUNT(1) AS "n"
FROM "public"."users" "users"
GROUP BY 1
ORDER BY 1
-- name: DATETRUNC day
SELECT DATE_TRUNC( 'DAY', CAST("users"."created_on" AS TIMESTAMP) ) AS "v",
  COUNT(1) AS "n"
FROM "public"."users" "users"
GROUP BY 1
ORDER BY 1
-- name: DATETRUNC hour
SELECT DATE_TRUNC( 'HOUR', CAST("users"."created_on" AS TIMESTAMP) ) AS "v",
  COUNT(1) AS "n"
FROM "public"."users" "users"
GROUP BY 1
ORDER BY 1
-- name: DATETRUNC minute
SELECT DATE_TRUNC( 'MINUTE', CAST("users"."created_on" AS TIMESTAMP) ) AS "v",
  COUNT(1) AS "n"
FROM "public"."users" "users"
GROUP BY 1
ORDER BY 1
-- name: DATETRUNC second
SELECT DATE_TRUNC( 'SECOND', CAST("users"."created_on" AS TIMESTAMP) ) AS "v",
  COUNT(1) AS "n"
FROM "public"."users" "users"
GROUP BY 1
ORDER BY 1
-- name: DATETRUNC quarter
SELECT CAST(DATE_TRUNC('QUARTER', CAST("users"."created_on" AS DATE)) AS DATE) AS "v",
  COUNT(1) AS "n"
FROM "public"."users" "users"
GROUP BY 1
ORDER BY 1
-- name: DATETRUNC week
SELECT CAST((DATE_TRUNC( 'DAY', CAST("users"."created_on" AS DATE) ) + (-EXTRACT(DOW FROM "users"."created_on") * INTERVAL '1 DAY')) AS DATE) AS "v",
  COUNT(1) AS "n"
FROM "public"."users" "users"
GROUP BY 1
ORDER BY 1
-- name: DATETRUNC iso-quarter
SELECT TO_DATE(TO_CHAR("users"."created_on", 'IYYY-') || (LEAST(CAST((EXTRACT(WEEK FROM "users"."created_on") - 1) AS BIGINT) / 13, 3) * 13 + 1), 'IYYY-IW') AS "v",
  COUNT(1) AS "n"
FROM "public"."users" "users"
GROUP BY 1
ORDER BY 1
-- name: DATETRUNC iso-week
SELECT DATE_TRUNC('WEEK', CAST("users"."created_on" AS TIMESTAMP)) AS "v",
  COUNT(1) AS "n"
FROM "public"."users" "users"
GROUP BY 1
ORDER BY 1
-- name: DATETRUNC iso-weekday
SELECT DATE_TRUNC( 'DAY', CAST("users"."created_on" AS TIMESTAMP) ) AS "v",
  COUNT(1) AS "n"
FROM "public"."users" "users"
GROUP BY 1
ORDER BY 1
-- name: DATETRUNC iso-year
SELECT TO_DATE(TO_CHAR("users"."created_on", 'IYYY-01'), 'IYYY-IW') AS "v",
  COUNT(1) AS "n"
FROM "public"."users" "users"
GROUP BY 1
ORDER BY 1
-- name: DATETRUNC week from monday
SELECT (CAST(DATE_TRUNC( 'DAY', CAST("users"."created_on" AS TIMESTAMP)) AS DATE) - (((7 + CAST(EXTRACT(DOW FROM "users"."created_on") AS BIGINT) - 1) % 7) * INTERVAL '1 DAY')) AS "v",
  COUNT(1) AS "n"
FROM "public"."users" "users"
GROUP BY 1
ORDER BY 1
-- name: numeric ABS
SELECT ABS(2.5) AS "v0",
  ABS(7) AS "v1"
-- name: numeric ACOS
SELECT ACOS(0.5) AS "v0"
-- name: numeric ASIN
SELECT ASIN(0.5) AS "v0"
-- name: numeric ATAN
SELECT ATAN(2.5) AS "v0"
-- name: numeric ATAN2
SELECT ATAN2(2.5,3.0) AS "v0"
-- name: numeric CEILING
SELECT CAST(CEIL(2.5) AS BIGINT) AS "v0"
-- name: numeric COS
SELECT COS(2.5) AS "v0"
-- name: numeric COT
SELECT (CASE WHEN 2.5 <> 0 THEN COT(2.5) ELSE NULL END) AS "v0"
-- name: numeric DEGREES
SELECT DEGREES(2.5) AS "v0"
-- name: numeric DIV
SELECT CASE WHEN 2 = 0 THEN NULL ELSE ( 7 / 2 ) END AS "v0"
-- name: numeric EXP
SELECT EXP(2.5) AS "v0"
-- name: numeric FLOOR
SELECT CAST(FLOOR(2.5) AS BIGINT) AS "v0"
-- name: numeric LN
SELECT (CASE WHEN 2.5 > 0 THEN LN(2.5) ELSE NULL END) AS "v0"
-- name: numeric LOG
SELECT (CASE WHEN 2.5 > 0 THEN LOG(2.5) ELSE NULL END) AS "v0",
  (CASE WHEN 2.5 > 0 AND 3.0 > 0 AND 3.0 <> 1 THEN LOG(CAST(3.0 AS NUMERIC),CAST(2.5 AS NUMERIC)) ELSE NULL END) AS "v1"
-- name: numeric MAX
SELECT (CASE WHEN 2.5 IS NULL OR 3.0 IS NULL THEN NULL WHEN 2.5 > 3.0 THEN 2.5 ELSE 3.0 END) AS "v0",
  (CASE WHEN 7 IS NULL OR 2 IS NULL THEN NULL WHEN 7 > 2 THEN 7 ELSE 2 END) AS "v1"
-- name: numeric MIN
SELECT (CASE WHEN 7 IS NULL OR 2 IS NULL THEN NULL WHEN 7 < 2 THEN 7 ELSE 2 END) AS "v0"
-- name: numeric PI
SELECT PI() AS "v0"
-- name: numeric POWER
SELECT (CASE WHEN 2.5 < 0 AND FLOOR(3.0) <> 3.0 THEN NULL ELSE POWER(2.5,3.0) END) AS "v0"
-- name: numeric RADIANS
SELECT RADIANS(2.5) AS "v0"
-- name: numeric ROUND
SELECT ROUND(2.5) AS "v0",
  ROUND(CAST(2.5 AS NUMERIC),CAST(3.0 AS INTEGER)) AS "v1"
-- name: numeric SIGN
SELECT CAST(SIGN(2.5) AS SMALLINT) AS "v0"
-- name: numeric SIN
SELECT SIN(2.5) AS "v0"
-- name: numeric SQRT
SELECT (CASE WHEN 2.5 < 0 THEN NULL ELSE SQRT(2.5) END) AS "v0"
-- name: numeric SQUARE
SELECT (2.5^2) AS "v0",
  (7^2) AS "v1"
-- name: numeric TAN
SELECT TAN(2.5) AS "v0"
-- name: numeric ZN
SELECT COALESCE(2.5, 0) AS "v0",
  COALESCE(7, 0) AS "v1"
-- name: string ASCII
SELECT ASCII(CAST('Grant d' AS TEXT)) AS "v0"
-- name: string CHAR
SELECT (CASE WHEN (65 >= 0) AND (65 < 256) THEN CHR(CAST(FLOOR(65) AS INTEGER)) ELSE NULL END) AS "v0"
-- name: string CONTAINS
SELECT (STRPOS(CAST('Grant d' AS TEXT),CAST('nt' AS TEXT)) > 0) AS "v0"
-- name: string ENDSWITH
SELECT (SUBSTR(RTRIM(CAST('Grant d' AS TEXT), ' '), (CASE WHEN (LENGTH(RTRIM(CAST('Grant d' AS TEXT), ' ')) - LENGTH(CAST('nt' AS TEXT))) < 0 THEN 1 ELSE LENGTH(RTRIM(CAST('Grant d' AS TEXT), ' ')) - LENGTH(CAST('nt' AS TEXT)) + 1 END), LENGTH(CAST('nt' AS TEXT))) = CAST('nt' AS TEXT)) AS "v0"
-- name: string FIND
SELECT STRPOS(CAST('Grant d' AS TEXT),CAST('nt' AS TEXT)) AS "v0",
  (CASE WHEN 4.0 IS NULL THEN NULL WHEN 0 = STRPOS(SUBSTR(CAST('Grant d' AS TEXT),GREATEST(1,CAST(FLOOR(4.0) AS INTEGER))),CAST('nt' AS TEXT)) THEN 0 ELSE (STRPOS(SUBSTR(CAST('Grant d' AS TEXT),GREATEST(1,CAST(FLOOR(4.0)AS INTEGER))),CAST('nt' AS TEXT)) + GREATEST(1,CAST(FLOOR(4.0) AS INTEGER)) - 1) END) AS "v1"
-- name: string LEFT
SELECT (CASE WHEN 2 >= 0 THEN SUBSTR(CAST('Grant d' AS TEXT), 1, CAST(FLOOR(2) AS INTEGER)) ELSE NULL END) AS "v0"
-- name: string LEN
SELECT LENGTH(CAST('Grant d' AS TEXT)) AS "v0"
-- name: string LOWER
SELECT LOWER(CAST('Grant d' AS TEXT)) AS "v0"
-- name: string LTRIM
SELECT LTRIM(CAST('Grant d' AS TEXT), ' ') AS "v0"
-- name: string MAX
SELECT (CASE WHEN 'Grant d' IS NULL OR 'nt' IS NULL THEN NULL WHEN 'Grant d' > 'nt' THEN 'Grant d' ELSE 'nt' END) AS "v0"
-- name: string MID
SELECT (CASE WHEN 2 IS NULL THEN NULL ELSE SUBSTR(CAST('Grant d' AS TEXT), GREATEST(1,CAST(FLOOR(2) AS INTEGER))) END) AS "v0",
  (CASE WHEN 2 IS NULL THEN NULL ELSE SUBSTR(CAST('Grant d' AS TEXT), GREATEST(1,CAST(FLOOR(2) AS INTEGER)), GREATEST(0,CAST(FLOOR(3) AS INTEGER))) END) AS "v1"
-- name: string MIN
SELECT (CASE WHEN 'Grant d' IS NULL OR 'nt' IS NULL THEN NULL WHEN 'Grant d' < 'nt' THEN 'Grant d' ELSE 'nt' END) AS "v0"
-- name: string REGEXP_EXTRACT
SELECT (SELECT (REGEXP_MATCHES('Grant d 12', '([a-z]+)'))[1]) AS "v0"
-- name: string REGEXP_EXTRACT_NTH
SELECT (SELECT (REGEXP_MATCHES('Grant d 12', '([a-z]+)'))[1]) AS "v0"
-- name: string REGEXP_MATCH
SELECT ('Grant d 12' ~ '([a-z]+)') AS "v0"
-- name: string REGEXP_REPLACE
SELECT REGEXP_REPLACE('Grant d 12', '([a-z]+)', 'x', 'g') AS "v0"
-- name: string REPLACE
SELECT REPLACE(CAST('Grant d' AS TEXT), CAST('nt' AS TEXT), CAST('N' AS TEXT)) AS "v0"
-- name: string RIGHT
SELECT (CASE WHEN 2 >= 0 THEN SUBSTR(CAST('Grant d' AS TEXT), (LENGTH(CAST('Grant d' AS TEXT)) - CAST(FLOOR(2) AS INTEGER) + 1) ) ELSE NULL END) AS "v0"
-- name: string RTRIM
SELECT RTRIM(CAST('Grant d' AS TEXT), ' ') AS "v0"
-- name: string SPACE
SELECT (CASE WHEN 2 >= 0 THEN REPEAT(' ', CAST(FLOOR(2) AS INTEGER)) ELSE NULL END) AS "v0"
-- name: string STARTSWITH
SELECT (SUBSTR(LTRIM(CAST('Grant d' AS TEXT), ' '), 1, LENGTH(CAST('nt' AS TEXT))) = CAST('nt' AS TEXT)) AS "v0"
-- name: string TRIM
SELECT BTRIM(CAST('Grant d' AS TEXT), ' ') AS "v0"
-- name: string UPPER
SELECT UPPER(CAST('Grant d' AS TEXT)) AS "v0"
-- name: date DAY
SELECT CAST(EXTRACT(DAY FROM (TIMESTAMP '2024-02-29 23:45:10.500')) AS INTEGER) AS "v0"
-- name: date MAX
SELECT (CASE WHEN (TIMESTAMP '2024-02-29 23:45:10.500') IS NULL OR (TIMESTAMP '2021-10-03 09:00:00.000') IS NULL THEN NULL WHEN (TIMESTAMP '2024-02-29 23:45:10.500') > (TIMESTAMP '2021-10-03 09:00:00.000') THEN (TIMESTAMP '2024-02-29 23:45:10.500') ELSE (TIMESTAMP '2021-10-03 09:00:00.000') END) AS "v0",
  (CASE WHEN (DATE '2024-02-29') IS NULL OR (DATE '2021-10-03') IS NULL THEN NULL WHEN (DATE '2024-02-29') > (DATE '2021-10-03') THEN (DATE '2024-02-29') ELSE (DATE '2021-10-03') END) AS "v1"
-- name: date MIN
SELECT (CASE WHEN (TIMESTAMP '2024-02-29 23:45:10.500') IS NULL OR (TIMESTAMP '2021-10-03 09:00:00.000') IS NULL THEN NULL WHEN (TIMESTAMP '2024-02-29 23:45:10.500') < (TIMESTAMP '2021-10-03 09:00:00.000') THEN (TIMESTAMP '2024-02-29 23:45:10.500') ELSE (TIMESTAMP '2021-10-03 09:00:00.000') END) AS "v0",
  (CASE WHEN (DATE '2024-02-29') IS NULL OR (DATE '2021-10-03') IS NULL THEN NULL WHEN (DATE '2024-02-29') < (DATE '2021-10-03') THEN (DATE '2024-02-29') ELSE (DATE '2021-10-03') END) AS "v1"
-- name: date MONTH
SELECT CAST(EXTRACT(MONTH FROM (TIMESTAMP '2024-02-29 23:45:10.500')) AS INTEGER) AS "v0"
-- name: date QUARTER
SELECT CAST(EXTRACT(QUARTER FROM (TIMESTAMP '2024-02-29 23:45:10.500')) AS INTEGER) AS "v0"
-- name: date WEEK
SELECT CAST(FLOOR((7 + EXTRACT(DOY FROM (TIMESTAMP '2024-02-29 23:45:10.500')) - 1 + EXTRACT(DOW FROM DATE_TRUNC('YEAR', (TIMESTAMP '2024-02-29 23:45:10.500')))) / 7) AS INTEGER) AS "v0"
-- name: date YEAR
SELECT CAST(EXTRACT(YEAR FROM (TIMESTAMP '2024-02-29 23:45:10.500')) AS INTEGER) AS "v0"
-- name: cast DATE
SELECT date_trunc('day', CAST('1900-01-01' AS DATE) + 2.5 * INTERVAL '1 DAY') AS "v0",
  CAST('2024-02-29' AS DATE) AS "v1",
  CAST((TIMESTAMP '2024-02-29 23:45:10.500') AS DATE) AS "v2"
-- name: cast DATETIME
SELECT (CAST('1900-01-01 00:00:00' AS TIMESTAMP) + 2.5 * INTERVAL '1 DAY') AS "v0",
  CAST('2024-02-29' AS TIMESTAMP) AS "v1",
  CAST((TIMESTAMP '2024-02-29 23:45:10.500') AS TIMESTAMP) AS "v2"
-- name: cast FLOAT
SELECT (CASE WHEN "users"."disabled" THEN 1.0 WHEN NOT "users"."disabled" THEN 0.0 ELSE NULL END) AS "v0",
  CAST(2.5 AS DOUBLE PRECISION) AS "v1",
  CAST('12.5' AS DOUBLE PRECISION) AS "v2",
  ((EXTRACT(EPOCH FROM (TIMESTAMP '2024-02-29 23:45:10.500')) / ( 60 * 60 * 24)) + (365 * 70 + 17)) AS "v3"
FROM "public"."users" "users"
ORDER BY "users"."user_name"
-- name: cast INT
SELECT (CASE WHEN "users"."disabled" THEN 1 WHEN NOT "users"."disabled" THEN 0 ELSE NULL END) AS "v0",
  CAST(TRUNC(2.5) AS BIGINT) AS "v1",
  CAST(TRUNC(CAST('12.5' AS DOUBLE PRECISION)) AS BIGINT) AS "v2",
  FLOOR((EXTRACT(EPOCH FROM (TIMESTAMP '2024-02-29 23:45:10.500')) / ( 60 * 60 * 24)) + (365 * 70 + 17)) AS "v3"
FROM "public"."users" "users"
ORDER BY "users"."user_name"
-- name: cast STR
SELECT (CASE WHEN "users"."disabled" THEN '1' WHEN NOT "users"."disabled" THEN '0' ELSE NULL END) AS "v0",
  CAST(2.5 AS TEXT) AS "v1",
  CAST('Grant d' AS TEXT) AS "v2",
  CAST((TIMESTAMP '2024-02-29 23:45:10.500') AS TEXT) AS "v3"
FROM "public"."users" "users"
ORDER BY "users"."user_name"
-- name: logical IFNULL
SELECT COALESCE("users"."disabled", "users"."listed") AS "v0",
  COALESCE(2.5, 3.0) AS "v1",
  COALESCE(7, 2) AS "v2",
  COALESCE('Grant d', 'nt') AS "v3",
  COALESCE((TIMESTAMP '2024-02-29 23:45:10.500'), (TIMESTAMP '2021-10-03 09:00:00.000')) AS "v4",
  COALESCE((DATE '2024-02-29'), (DATE '2021-10-03')) AS "v5"
FROM "public"."users" "users"
ORDER BY "users"."user_name"
-- name: logical IIF
SELECT (("users"."disabled" AND "users"."listed") OR ((NOT "users"."disabled") AND "users"."disabled")) AS "v0",
  (CASE WHEN "users"."disabled" THEN 3.0 WHEN NOT "users"."disabled" THEN 4.0 ELSE NULL END) AS "v1",
  (CASE WHEN "users"."disabled" THEN 3.0 WHEN NOT "users"."disabled" THEN 4.0 ELSE 5.0 END) AS "v2",
  (CASE WHEN "users"."disabled" THEN 2 WHEN NOT "users"."disabled" THEN 3 ELSE NULL END) AS "v3",
  (CASE WHEN "users"."disabled" THEN 2 WHEN NOT "users"."disabled" THEN 3 ELSE 4 END) AS "v4",
  (CASE WHEN "users"."disabled" THEN 'nt' WHEN NOT "users"."disabled" THEN 'N' ELSE NULL END) AS "v5",
  (CASE WHEN "users"."disabled" THEN 'nt' WHEN NOT "users"."disabled" THEN 'N' ELSE '?' END) AS "v6",
  (CASE WHEN "users"."disabled" THEN (TIMESTAMP '2021-10-03 09:00:00.000') WHEN NOT "users"."disabled" THEN (TIMESTAMP '2021-10-03 09:00:00.000') ELSE NULL END) AS "v7",
  (CASE WHEN "users"."disabled" THEN (TIMESTAMP '2021-10-03 09:00:00.000') WHEN NOT "users"."disabled" THEN (TIMESTAMP '2021-10-03 09:00:00.000') ELSE (TIMESTAMP '2024-02-29 23:45:10.500') END) AS "v8",
  (CASE WHEN "users"."disabled" THEN (DATE '2021-10-03') WHEN NOT "users"."disabled" THEN (DATE '2024-02-29') ELSE NULL END) AS "v9",
  (CASE WHEN "users"."disabled" THEN (DATE '2021-10-03') WHEN NOT "users"."disabled" THEN (DATE '2024-02-29') ELSE (DATE '2024-02-29') END) AS "v10"
FROM "public"."users" "users"
ORDER BY "users"."user_name"
-- name: logical ISNULL
SELECT ("users"."disabled" IS NULL) AS "v0",
  (2.5 IS NULL) AS "v1",
  ('Grant d' IS NULL) AS "v2",
  ((TIMESTAMP '2024-02-29 23:45:10.500') IS NULL) AS "v3"
FROM "public"."users" "users"
ORDER BY "users"."user_name"
-- name: operator !
SELECT (NOT "users"."disabled") AS "v0"
FROM "public"."users" "users"
ORDER BY "users"."user_name"
-- name: operator !=
SELECT ("users"."disabled" AND NOT "users"."listed" OR NOT "users"."disabled" AND "users"."listed") AS "v0",
  (2.5 <> 3.0) AS "v1",
  ('Grant d' <> 'nt') AS "v2",
  ((TIMESTAMP '2024-02-29 23:45:10.500') <> (TIMESTAMP '2021-10-03 09:00:00.000')) AS "v3"
FROM "public"."users" "users"
ORDER BY "users"."user_name"
-- name: operator %
SELECT (CASE WHEN 3.0 = 0 THEN NULL ELSE 2.5 - FLOOR(ABS(2.5)/ABS(3.0)) * ABS(3.0) * SIGN(2.5) END) AS "v0",
  (7 % 2) AS "v1"
-- name: operator &&
SELECT ("users"."disabled" AND "users"."listed") AS "v0"
FROM "public"."users" "users"
ORDER BY "users"."user_name"
-- name: operator *
SELECT (2.5 * 3.0) AS "v0",
  (7 * 2) AS "v1"
-- name: operator +
SELECT (2.5 + 3.0) AS "v0",
  (7 + 2) AS "v1",
  ('Grant d' || 'nt') AS "v2",
  ((TIMESTAMP '2024-02-29 23:45:10.500') + 3.0 * INTERVAL '1 DAY') AS "v3",
  ((DATE '2024-02-29') + 2 * INTERVAL '1 DAY') AS "v4"
-- name: operator -
SELECT (-2.5) AS "v0",
  (2.5 - 3.0) AS "v1",
  (EXTRACT(EPOCH FROM (CAST((TIMESTAMP '2024-02-29 23:45:10.500') AS TIMESTAMP) - (TIMESTAMP '2021-10-03 09:00:00.000'))) / (60.0 * 60 * 24)) AS "v2",
  (-7) AS "v3",
  (7 - 2) AS "v4",
  ((TIMESTAMP '2024-02-29 23:45:10.500') - 3.0 * INTERVAL '1 DAY') AS "v5",
  ((DATE '2024-02-29') - 2 * INTERVAL '1 DAY') AS "v6"
-- name: operator /
SELECT (CASE WHEN 3.0 = 0 THEN NULL ELSE CAST(2.5 AS DOUBLE PRECISION) / 3.0 END) AS "v0"
-- name: operator <
SELECT (2.5 < 3.0) AS "v0",
  ('Grant d' < 'nt') AS "v1",
  ((TIMESTAMP '2024-02-29 23:45:10.500') < (TIMESTAMP '2021-10-03 09:00:00.000')) AS "v2"
-- name: operator <=
SELECT (2.5 <= 3.0) AS "v0",
  ('Grant d' <= 'nt') AS "v1",
  ((TIMESTAMP '2024-02-29 23:45:10.500') <= (TIMESTAMP '2021-10-03 09:00:00.000')) AS "v2"
-- name: operator ==
SELECT ("users"."disabled" AND "users"."listed" OR NOT "users"."disabled" AND NOT "users"."listed") AS "v0",
  (2.5 = 3.0) AS "v1",
  ('Grant d' = 'nt') AS "v2",
  ((TIMESTAMP '2024-02-29 23:45:10.500') = (TIMESTAMP '2021-10-03 09:00:00.000')) AS "v3"
FROM "public"."users" "users"
ORDER BY "users"."user_name"
-- name: operator >
SELECT (2.5 > 3.0) AS "v0",
  ('Grant d' > 'nt') AS "v1",
  ((TIMESTAMP '2024-02-29 23:45:10.500') > (TIMESTAMP '2021-10-03 09:00:00.000')) AS "v2"
-- name: operator >=
SELECT (2.5 >= 3.0) AS "v0",
  ('Grant d' >= 'nt') AS "v1",
  ((TIMESTAMP '2024-02-29 23:45:10.500') >= (TIMESTAMP '2021-10-03 09:00:00.000')) AS "v2"
-- name: operator ^^
SELECT (CASE WHEN 2.5 < 0 AND FLOOR(3.0) <> 3.0 THEN NULL ELSE POWER(2.5,3.0) END) AS "v0"
-- name: operator ||
SELECT ("users"."disabled" OR "users"."listed") AS "v0"
FROM "public"."users" "users"
ORDER BY "users"."user_name"
-- name: date ISOYEAR
SELECT CAST(TRUNC(EXTRACT(ISOYEAR FROM (TIMESTAMP '2024-02-29 23:45:10.500'))) AS INTEGER) AS "v0"
-- name: date ISOQUARTER
SELECT (LEAST(CAST((EXTRACT(WEEK FROM (TIMESTAMP '2024-02-29 23:45:10.500')) - 1) AS BIGINT) / 13, 3) + 1) AS "v0"
-- name: date ISOWEEK
SELECT CAST(TRUNC(EXTRACT(WEEK FROM (TIMESTAMP '2024-02-29 23:45:10.500'))) AS INTEGER) AS "v0"
-- name: date ISOWEEKDAY
SELECT CAST(TRUNC(EXTRACT(ISODOW FROM (TIMESTAMP '2024-02-29 23:45:10.500'))) AS INTEGER) AS "v0"
-- name: split
SELECT SPLIT_PART("users"."user_name", '_', 1) AS "left", REVERSE(SPLIT_PART(REVERSE("users"."user_name"),REVERSE('_'),-1*-1)) AS "right"
FROM "public"."users" "users"
ORDER BY 1 ASC NULLS FIRST
-- name: now
SELECT CURRENT_TIMESTAMP > (TIMESTAMP '2020-01-01 00:00:00.000') AS "a", CURRENT_DATE > (DATE '2020-01-01') AS "b"
-- name: numeric HEXBINX
SELECT (((CASE WHEN (ABS((7.25) - (CAST( ( (7.25) / SQRT(3.0) ) AS NUMERIC(18, 0) ) * SQRT(3.0)))) + SQRT(3.0) * ((ABS((2.5) - (CAST( ( (2.5) / 3.0 ) AS NUMERIC(18, 0) ) * 3.0))) - 1.0) > 0.0 THEN 1.5 ELSE 0.0 END) - (CASE WHEN ((2.5) - (CAST( ( (2.5) / 3.0 ) AS NUMERIC(18, 0) ) * 3.0) < 0.0) AND ((CASE WHEN (ABS((7.25) - (CAST( ( (7.25) / SQRT(3.0) ) AS NUMERIC(18, 0) ) * SQRT(3.0)))) + SQRT(3.0) * ((ABS((2.5) - (CAST( ( (2.5) / 3.0 ) AS NUMERIC(18, 0) ) * 3.0))) - 1.0) > 0.0 THEN 1.5 ELSE 0.0 END) > 0.0) THEN 3.0 ELSE 0.0 END)) + (CAST( ( (2.5) / 3.0 ) AS NUMERIC(18, 0) ) * 3.0)) AS "v"
-- name: numeric HEXBINY
SELECT CAST( (((CASE WHEN (ABS((7.25) - (CAST( ( (7.25) / SQRT(3.0) ) AS NUMERIC(18, 0) ) * SQRT(3.0)))) + SQRT(3.0) * ((ABS((2.5) - (CAST( ( (2.5) / 3.0 ) AS NUMERIC(18, 0) ) * 3.0))) - 1.0) > 0.0 THEN SQRT(3.0) / 2.0 ELSE 0.0 END) - (CASE WHEN ((7.25) - (CAST( ( (7.25) / SQRT(3.0) ) AS NUMERIC(18, 0) ) * SQRT(3.0)) < 0.0) AND ((CASE WHEN (ABS((7.25) - (CAST( ( (7.25) / SQRT(3.0) ) AS NUMERIC(18, 0) ) * SQRT(3.0)))) + SQRT(3.0) * ((ABS((2.5) - (CAST( ( (2.5) / 3.0 ) AS NUMERIC(18, 0) ) * 3.0))) - 1.0) > 0.0 THEN SQRT(3.0) / 2.0 ELSE 0.0 END) > 0.0) THEN SQRT(3.0) ELSE 0.0 END)) + (CAST( ( (7.25) / SQRT(3.0) ) AS NUMERIC(18, 0) ) * SQRT(3.0))) AS NUMERIC(18,3) ) AS "v"
