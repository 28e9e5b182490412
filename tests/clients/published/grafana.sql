-- Grafana's PostgreSQL data source, what its query editors ask and macros as it expands them.
-- The statements of grafana/grafana: public/app/plugins/datasource/grafana-postgresql-datasource/postgresMetaQuery.ts at 12f912ab,
-- datasource.ts and sqlUtil.ts at 1137a659, pkg/tsdb/grafana-postgresql-datasource/macros.go at 02ab314b,
-- macros_test.go at 446b3e1f and schema.go at 043dd88a. The parameters of schema.go stand in the statements; the relations of panels,
-- variables and alerts are grantd's.
-- name: ping
-- ping
-- name: ping of its former driver
;
-- name: version
SELECT current_setting('server_version_num')::int/100 as version
-- name: timescaledb
SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'
-- name: schemas
SELECT schema_name AS "name"
    FROM information_schema.schemata
    WHERE schema_name NOT IN ('information_schema',
                              'pg_catalog',
                              'pg_toast',
                              '_timescaledb_cache',
                              '_timescaledb_catalog',
                              '_timescaledb_internal',
                              '_timescaledb_config',
                              'timescaledb_information',
                              'timescaledb_experimental')
    ORDER BY schema_name
-- name: tables
SELECT
    CASE WHEN 
          quote_ident(table_schema) IN (
          SELECT
            CASE WHEN trim(s[i]) = '"$user"' THEN user ELSE trim(s[i]) END
          FROM
            generate_series(
              array_lower(string_to_array(current_setting('search_path'),','),1),
              array_upper(string_to_array(current_setting('search_path'),','),1)
            ) as i,
            string_to_array(current_setting('search_path'),',') s
          )
      THEN quote_ident(table_name)
      ELSE quote_ident(table_schema) || '.' || quote_ident(table_name)
    END AS "table"
    FROM information_schema.tables
    WHERE quote_ident(table_schema) NOT IN ('information_schema',
                             'pg_catalog',
                             '_timescaledb_cache',
                             '_timescaledb_catalog',
                             '_timescaledb_internal',
                             '_timescaledb_config',
                             'timescaledb_information',
                             'timescaledb_experimental')
    ORDER BY CASE WHEN 
          quote_ident(table_schema) IN (
          SELECT
            CASE WHEN trim(s[i]) = '"$user"' THEN user ELSE trim(s[i]) END
          FROM
            generate_series(
              array_lower(string_to_array(current_setting('search_path'),','),1),
              array_upper(string_to_array(current_setting('search_path'),','),1)
            ) as i,
            string_to_array(current_setting('search_path'),',') s
          ) THEN 0 ELSE 1 END, 1
-- any order: tables of the former editor
select quote_ident(table_name) as "table" from information_schema.tables
    where quote_ident(table_schema) not in ('information_schema',
                             'pg_catalog',
                             '_timescaledb_cache',
                             '_timescaledb_catalog',
                             '_timescaledb_internal',
                             '_timescaledb_config',
                             'timescaledb_information',
                             'timescaledb_experimental')
      and 
          quote_ident(table_schema) IN (
          SELECT
            CASE WHEN trim(s[i]) = '"$user"' THEN user ELSE trim(s[i]) END
          FROM
            generate_series(
              array_lower(string_to_array(current_setting('search_path'),','),1),
              array_upper(string_to_array(current_setting('search_path'),','),1)
            ) as i,
            string_to_array(current_setting('search_path'),',') s
          )
-- name: tables of a schema
SELECT quote_ident(table_name) AS "table"
      FROM information_schema.tables
      WHERE quote_ident(table_schema) = 'public'
      ORDER BY 1
-- any order: columns
SELECT quote_ident(column_name) AS "column", data_type AS "type"
    FROM information_schema.columns
    WHERE
      CASE WHEN array_length(parse_ident('users'),1) = 2
        THEN quote_ident(table_schema) = (parse_ident('users'))[1]
          AND quote_ident(table_name) = (parse_ident('users'))[2]
        ELSE quote_ident(table_name) = 'users'
          AND 
          quote_ident(table_schema) IN (
          SELECT
            CASE WHEN trim(s[i]) = '"$user"' THEN user ELSE trim(s[i]) END
          FROM
            generate_series(
              array_lower(string_to_array(current_setting('search_path'),','),1),
              array_upper(string_to_array(current_setting('search_path'),','),1)
            ) as i,
            string_to_array(current_setting('search_path'),',') s
          )
      END
-- any order: columns of a qualified table
SELECT quote_ident(column_name) AS "column", data_type AS "type"
    FROM information_schema.columns
    WHERE
      CASE WHEN array_length(parse_ident('public.users'),1) = 2
        THEN quote_ident(table_schema) = (parse_ident('public.users'))[1]
          AND quote_ident(table_name) = (parse_ident('public.users'))[2]
        ELSE quote_ident(table_name) = 'public.users'
          AND 
          quote_ident(table_schema) IN (
          SELECT
            CASE WHEN trim(s[i]) = '"$user"' THEN user ELSE trim(s[i]) END
          FROM
            generate_series(
              array_lower(string_to_array(current_setting('search_path'),','),1),
              array_upper(string_to_array(current_setting('search_path'),','),1)
            ) as i,
            string_to_array(current_setting('search_path'),',') s
          )
      END
-- name: schemas of the catalog
SELECT schema_name FROM information_schema.schemata
		 WHERE schema_name NOT LIKE 'pg_%' AND schema_name != 'information_schema'
		 ORDER BY schema_name
-- name: tables of the catalog
SELECT table_name FROM information_schema.tables
		 WHERE table_schema = 'public' AND table_type IN ('BASE TABLE', 'VIEW')
		 ORDER BY table_name
-- name: columns of the catalog
SELECT column_name, data_type, udt_name, numeric_precision, numeric_scale
		 FROM information_schema.columns
		 WHERE table_schema = 'public' AND table_name = 'users'
		 ORDER BY ordinal_position
-- any order: values of columns
SELECT 'user_name' AS col_name, "user_name"::text AS val FROM (SELECT DISTINCT "user_name" FROM "public"."users" WHERE "user_name" IS NOT NULL ORDER BY "user_name" LIMIT 100) sub_0 UNION ALL SELECT 'type' AS col_name, "type"::text AS val FROM (SELECT DISTINCT "type" FROM "public"."users" WHERE "type" IS NOT NULL ORDER BY "type" LIMIT 100) sub_1 UNION ALL SELECT 'disabled' AS col_name, "disabled"::text AS val FROM (SELECT DISTINCT "disabled" FROM "public"."users" WHERE "disabled" IS NOT NULL ORDER BY "disabled" LIMIT 100) sub_2 UNION ALL SELECT 'created_on' AS col_name, "created_on"::text AS val FROM (SELECT DISTINCT "created_on" FROM "public"."users" WHERE "created_on" IS NOT NULL ORDER BY "created_on" LIMIT 100) sub_3
-- name: builder
SELECT user_name, COUNT(object) AS "objects" FROM effective_privileges WHERE (user_name = 'MAIN' OR role_count > 1) GROUP BY user_name ORDER BY user_name ASC LIMIT 50 
-- name: builder of a schema
SELECT AVG(role_count), MIN(role_count), MAX(role_count), SUM(role_count), STDDEV(role_count), VARIANCE(role_count), object_type FROM public.effective_privileges GROUP BY object_type ORDER BY object_type LIMIT 50 
-- name: time
SELECT created_on AS "time", user_name FROM users ORDER BY 2
-- name: epoch
SELECT extract(epoch from created_on) as "time" FROM users ORDER BY 1
-- name: time filter
SELECT created_on AS "time", user_name FROM users WHERE created_on BETWEEN '2020-01-01T00:00:00Z' AND '2100-01-01T00:00:00.123456789Z' ORDER BY 2
-- name: time from and to
SELECT '2018-04-12T18:00:00Z' AS a, '2018-04-12T18:05:00.5Z'::timestamptz AS b, count(*) FROM users WHERE created_on > '2018-04-12T18:00:00Z' AND created_on < '2100-04-12T18:05:00.5Z'
-- name: time group
SELECT floor(extract(epoch from created_on)/300)*300 AS "time", count(*) AS value FROM users WHERE created_on BETWEEN '2020-01-01T00:00:00Z' AND '2100-01-01T00:00:00.123456789Z' GROUP BY 1 ORDER BY 1
-- name: time group of the epoch
SELECT floor(extract(epoch from created_on)/300)*300 AS "time", user_name AS metric, 1 AS value FROM users GROUP BY floor(extract(epoch from created_on)/300)*300, user_name ORDER BY floor(extract(epoch from created_on)/300)*300, user_name
-- name: time group with metric
SELECT floor(extract(epoch from created_on)/3600)*3600 AS "time", type AS metric, count(*) AS value FROM users GROUP BY 1, 2 ORDER BY 1, 2
-- name: time group of parts of a second
SELECT floor(extract(epoch from created_on)/0.02)*0.02 AS "time", count(*) FROM users GROUP BY 1 ORDER BY 1
-- name: time group of days
SELECT floor(extract(epoch from created_on)/1.0368e+06)*1.0368e+06 AS "time", count(*) FROM users GROUP BY 1 ORDER BY 1
-- name: time group as time
SELECT to_timestamp(floor(extract(epoch from created_on)/86400)*86400) AS time, count(*) FROM users GROUP BY 1 ORDER BY 1
-- name: window over time groups
SELECT floor(extract(epoch from created_on)/60)*60 AS "time", count(*) - lag(count(*)) OVER (ORDER BY floor(extract(epoch from created_on)/60)*60) AS value FROM users WHERE created_on BETWEEN '2020-01-01T00:00:00Z' AND '2100-01-01T00:00:00.123456789Z' GROUP BY 1 ORDER BY 1
-- name: unix epoch filter
SELECT count(*) FROM users WHERE extract(epoch from created_on) >= 1577836800 AND extract(epoch from created_on) <= 4102444800
-- name: unix epoch nano filter
SELECT count(*) FROM users WHERE extract(epoch from created_on) * 1000000000 >= 1577836800000000000 AND extract(epoch from created_on) * 1000000000 <= 4102444800000000000
-- name: unix epoch from and to
SELECT 1577836800 AS a, 4102444800 AS b, 1577836800000000000 AS c, 4102444800000000000 AS d
-- name: unix epoch group
SELECT floor((extract(epoch from created_on))/300)*300 AS "time", count(*) FROM users GROUP BY 1 ORDER BY 1
-- name: unix epoch group of a whole number
SELECT floor((role_count)/300)*300 AS "time", count(*) FROM effective_privileges GROUP BY 1 ORDER BY 1
-- name: interval
SELECT date_trunc('minute', created_on) AS time, 60000 AS ms, interval '10m' AS step, count(*) FROM users GROUP BY 1 ORDER BY 1
-- name: tagged statement
SELECT user_name FROM users /*application='grafana',source='bi',route='test',feature='repro'*/ ORDER BY 1;
-- name: variable
SELECT DISTINCT type AS __text, type AS __value FROM users ORDER BY 1
-- name: dependent variable
SELECT user_name FROM users WHERE type IN('PERSON','SERVICE') AND user_name ILIKE '%' ORDER BY 1
-- name: annotation
SELECT extract(epoch from created_on) AS time, extract(epoch from created_on) AS timeend, user_name AS text, concat_ws(', ', type, default_role) AS tags FROM users WHERE created_on BETWEEN '2020-01-01T00:00:00Z' AND '2100-01-01T00:00:00.123456789Z' ORDER BY 3
-- name: alert
SELECT floor(extract(epoch from created_on)/60)*60 AS "time", avg(CASE WHEN disabled THEN 1 ELSE 0 END) AS value FROM users WHERE created_on BETWEEN '2020-01-01T00:00:00Z' AND '2100-01-01T00:00:00.123456789Z' GROUP BY 1 ORDER BY 1
-- name: stat
SELECT count(*) AS users, count(*) FILTER (WHERE disabled) AS disabled, max(created_on) AS last, now() > max(created_on) AS past FROM users
-- name: table panel
SELECT user_name, disabled, created_on IS NOT NULL AS known FROM users ORDER BY user_name LIMIT 100
-- name: several statements
SET TIME ZONE 'UTC'; SELECT 1 AS a; SELECT 2 AS a
