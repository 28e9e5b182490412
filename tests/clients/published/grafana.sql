-- Grafana's PostgreSQL data source: what its query builder asks, and macros as it expands them.
-- name: ping
-- ping
-- name: version
SELECT current_setting('server_version_num')::int/100
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
    ORDER BY 1
-- name: columns
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
-- name: timescaledb
SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'
-- name: time filter
SELECT created_on AS "time", user_name FROM users WHERE created_on BETWEEN '2020-01-01T00:00:00Z' AND '2100-01-01T00:00:00.123456789Z' ORDER BY 2
-- name: time group
SELECT floor(extract(epoch from created_on)/300)*300 AS "time", count(*) AS value FROM users WHERE created_on BETWEEN '2020-01-01T00:00:00Z' AND '2100-01-01T00:00:00Z' GROUP BY 1 ORDER BY 1
-- name: time group with metric
SELECT floor(extract(epoch from created_on)/3600)*3600 AS "time", type AS metric, count(*) AS value FROM users GROUP BY 1, 2 ORDER BY 1, 2
-- name: epoch
SELECT extract(epoch from created_on) as "time" FROM users ORDER BY 1
-- name: unix epoch filter
SELECT count(*) FROM users WHERE extract(epoch from created_on) >= 1577836800 AND extract(epoch from created_on) <= 4102444800
-- name: unix epoch group
SELECT floor((extract(epoch from created_on))/300)*300 AS "time", count(*) FROM users GROUP BY 1 ORDER BY 1
-- name: nano epoch
SELECT extract(epoch from created_on) * 1000000000 >= 1577836800000000000 AS a FROM users
-- name: variable
SELECT DISTINCT type AS "__text", type AS "__value" FROM users ORDER BY 1
-- name: table panel
SELECT user_name, disabled, created_on IS NOT NULL AS known FROM users ORDER BY user_name LIMIT 100
