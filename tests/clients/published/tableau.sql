-- Tableau over psqlodbc: cursors, the probe for temporary tables, date parts.
-- name: cursor
BEGIN;declare "SQL_CUR0x7f8a1c0" cursor with hold for SELECT "users"."user_name" AS "user_name" FROM "public"."users" "users" ORDER BY 1;fetch 2048 in "SQL_CUR0x7f8a1c0"
-- name: more rows
fetch 2048 in "SQL_CUR0x7f8a1c0"
-- name: close
close "SQL_CUR0x7f8a1c0";COMMIT
-- name: temporary table
CREATE LOCAL TEMPORARY TABLE "#Tableau_1_1_Connect" ("COL" INTEGER) ON COMMIT PRESERVE ROWS
-- name: after it
SELECT 1 AS "one"
-- name: year
SELECT CAST(EXTRACT(YEAR FROM "users"."created_on") AS INTEGER) AS "yr", COUNT(1) AS "cnt" FROM "public"."users" "users" GROUP BY 1 ORDER BY 1
-- name: quarter
SELECT DATE_TRUNC('QUARTER', CAST("users"."created_on" AS TIMESTAMP)) AS "tqr", SUM(1) AS "n" FROM "public"."users" "users" GROUP BY 1
-- name: week
SELECT (CAST(DATE_TRUNC('DAY', CAST("users"."created_on" AS DATE)) AS DATE) + (-EXTRACT(DOW FROM "users"."created_on") * INTERVAL '1 DAY')) IS NOT NULL AS "twk" FROM "public"."users" "users"
-- name: having
SELECT COUNT(1) AS "cnt" FROM "public"."users" "users" HAVING (COUNT(1) > 0)
-- name: truncated
SELECT TRUNC(1.75) AS "t", CAST(TRUNC(EXTRACT(MONTH FROM "users"."created_on")) AS INTEGER) > 0 AS "m" FROM "public"."users" "users"
-- name: no rows
SELECT * FROM "public"."users" "users" WHERE (1 = 0) LIMIT 0
-- name: distinct values
SELECT "users"."type" AS "type" FROM "public"."users" "users" GROUP BY 1 ORDER BY 1 ASC NULLS FIRST
-- name: top n
SELECT "t"."user_name", "t"."n" FROM (SELECT "user_name", COUNT(1) AS "n" FROM "public"."effective_privileges" GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 2) "t" ORDER BY 2 DESC
-- name: date arithmetic
SELECT (CAST('2024-02-29' AS DATE) + 7 * INTERVAL '1 DAY') AS "a", (DATE '2024-02-29' - DATE '2024-02-01') AS "b", (TIMESTAMP '2024-02-29 12:00:00' - TIMESTAMP '2024-02-28 10:00:00') AS "c"
-- name: text functions
SELECT LEFT('abc', 2) AS "l", RIGHT('abc', 2) AS "r", REPLACE('abc', 'b', 'x') AS "s", STRPOS('abc', 'c') AS "p", SPLIT_PART('a-b-c', '-', 2) AS "q", LTRIM(' a') AS "t", CHR(65) AS "u", ASCII('A') AS "v", INITCAP('ab cd') AS "w", REVERSE('abc') AS "x"
