-- DBeaver and DataGrip: how they read the catalog.
-- name: search path
SHOW search_path
-- name: databases
SELECT db.datname, db.datallowconn, db.datistemplate FROM pg_catalog.pg_database db WHERE datallowconn AND NOT datistemplate OR db.datname = 'grantd' ORDER BY db.datname
-- name: schemas
SELECT n.nspname, d.description FROM pg_catalog.pg_namespace n LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=n.oid AND d.objsubid=0 AND d.classoid='pg_namespace'::regclass WHERE n.nspname = 'public' ORDER BY nspname
-- name: relations
SELECT c.relname, c.relkind, c.relhasindex, c.reltuples, d.description, pg_catalog.pg_get_expr(c.relpartbound, c.oid) as partition_expr, pg_catalog.pg_get_partkeydef(c.oid) as partition_key FROM pg_catalog.pg_class c LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=c.oid AND d.objsubid=0 AND d.classoid='pg_class'::regclass WHERE c.relnamespace='public'::regnamespace AND c.relkind not in ('i','I','c') ORDER BY c.relname
-- name: columns
SELECT c.relname, a.attname, a.attnum, a.attnotnull, pg_catalog.pg_get_expr(ad.adbin, ad.adrelid, true) as def_value, dsc.description, t.typname, t.typcategory FROM pg_catalog.pg_attribute a INNER JOIN pg_catalog.pg_class c ON (a.attrelid=c.oid) LEFT OUTER JOIN pg_catalog.pg_attrdef ad ON (a.attrelid=ad.adrelid AND a.attnum = ad.adnum) LEFT OUTER JOIN pg_catalog.pg_description dsc ON (c.oid=dsc.objoid AND a.attnum = dsc.objsubid) LEFT OUTER JOIN pg_catalog.pg_type t ON t.oid = a.atttypid WHERE NOT a.attisdropped AND c.relkind not in ('i','I','c') AND c.oid='users'::regclass ORDER BY a.attnum
-- name: oid beside everything
SELECT x.oid > 0 AS known, x.relname, x.relname FROM pg_catalog.pg_class x WHERE x.relname = 'users'
-- name: constraints
SELECT c.oid,c.*,t.relname as tabrelname,rt.relnamespace as refnamespace,d.description, case when c.contype='c' then "substring"(pg_get_constraintdef(c.oid), 7) else null end consrc_copy FROM pg_catalog.pg_constraint c INNER JOIN pg_catalog.pg_class t ON t.oid=c.conrelid LEFT OUTER JOIN pg_catalog.pg_class rt ON rt.oid=c.confrelid LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=c.oid AND d.objsubid=0 AND d.classoid='pg_constraint'::regclass WHERE c.conrelid='users'::regclass ORDER BY c.oid
-- name: indexes
SELECT i.*,i.indkey as keys,c.relname,c.relnamespace,c.relam,c.reltablespace,tc.relname as tabrelname,dsc.description,pg_catalog.pg_get_expr(i.indpred, i.indrelid) as pred_expr,pg_catalog.pg_get_expr(i.indexprs, i.indrelid, true) as expr,pg_catalog.pg_relation_size(i.indexrelid) as index_rel_size,pg_catalog.pg_stat_get_numscans(i.indexrelid) as index_num_scans FROM pg_catalog.pg_index i INNER JOIN pg_catalog.pg_class c ON c.oid=i.indexrelid INNER JOIN pg_catalog.pg_class tc ON tc.oid=i.indrelid LEFT OUTER JOIN pg_catalog.pg_description dsc ON i.indexrelid=dsc.objoid WHERE i.indrelid='users'::regclass ORDER BY tabrelname, c.relname
-- name: types
SELECT t.typname, c.relkind, format_type(nullif(t.typbasetype, 0), t.typtypmod) as base_type_name, d.description FROM pg_catalog.pg_type t LEFT OUTER JOIN pg_catalog.pg_type et ON et.oid=t.typelem LEFT OUTER JOIN pg_catalog.pg_class c ON c.oid=t.typrelid LEFT OUTER JOIN pg_catalog.pg_description d ON t.oid=d.objoid WHERE t.typname IS NOT NULL AND (c.relkind IS NULL OR c.relkind = 'c') AND (et.typcategory IS NULL OR et.typcategory <> 'C') AND t.oid < 10000 ORDER BY t.oid
-- name: functions
SELECT p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid) AS args, l.lanname IS NOT NULL AS lang, d.description FROM pg_catalog.pg_proc p LEFT OUTER JOIN pg_catalog.pg_language l ON l.oid = p.prolang LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=p.oid AND d.objsubid = 0 WHERE p.pronamespace='public'::regnamespace ORDER BY p.proname
-- name: view
SELECT pg_catalog.pg_get_viewdef('users'::regclass, true) IS NOT NULL AS defined
-- name: roles
SELECT a.rolname, pg_catalog.shobj_description(a.oid, 'pg_authid') AS description FROM pg_catalog.pg_roles a WHERE a.rolname NOT LIKE 'pg\_%' ORDER BY a.rolname
-- name: keywords
SELECT string_agg(word, ',' ORDER BY word) FROM pg_catalog.pg_get_keywords() WHERE word <> ALL ('{a,abs,absolute,action}'::text[])
-- name: table privileges
SELECT grantor, grantee, table_schema, table_name, privilege_type, is_grantable FROM information_schema.table_privileges WHERE table_schema='public' AND table_name='users' ORDER BY grantee, privilege_type
-- name: access control
SELECT (aclexplode(relacl)).privilege_type, (aclexplode(relacl)).is_grantable FROM pg_class WHERE relname = 'users' ORDER BY 1
-- name: access control in from
SELECT a.privilege_type, a.grantee = 0 AS everyone FROM pg_class c, aclexplode(c.relacl) a WHERE c.relname = 'users' ORDER BY 2
-- name: dependencies
SELECT DISTINCT dep.deptype, dep.classid::regclass AS classid FROM pg_depend dep WHERE dep.objid='users'::regclass AND false
-- name: settings
SELECT name, setting IS NOT NULL AS is_set, context FROM pg_catalog.pg_settings WHERE name IN ('standard_conforming_strings', 'max_index_keys', 'search_path') ORDER BY 1
-- name: session state
SELECT current_schema(), session_user
-- name: start time
SELECT pg_postmaster_start_time() < now() AS started
-- name: transaction
SELECT CASE WHEN pg_is_in_recovery() THEN NULL ELSE (txid_current() % 4294967296) > 0 END AS current_txid
-- name: locks
SELECT transactionid::varchar::bigint AS transaction_id FROM pg_locks WHERE transactionid IS NOT NULL ORDER BY pg_catalog.age(transactionid) DESC LIMIT 1
-- name: time zones
SELECT count(*) > 300 AS many FROM pg_catalog.pg_timezone_names
-- name: time zone abbreviations
SELECT count(*) > 10 AS many FROM pg_catalog.pg_timezone_abbrevs
-- name: state numbers
SELECT count(*) > 0 AS known FROM pg_catalog.pg_class WHERE pg_catalog.age(xmin) >= 0 AND relnamespace = 'public'::regnamespace
-- name: tablespaces
SELECT T.spcname AS name, pg_catalog.pg_get_userbyid(T.spcowner) as owner, pg_catalog.pg_tablespace_location(T.oid) as location FROM pg_catalog.pg_tablespace T ORDER BY 1
-- name: access methods
SELECT A.amname AS access_method_name, A.amtype AS access_method_type, A.amhandler::regproc AS handler_name FROM pg_am A ORDER BY 1
-- name: casts
SELECT C.castcontext, S.nspname FROM pg_cast C JOIN pg_type T ON C.castsource = T.oid JOIN pg_namespace S ON S.oid = T.typnamespace WHERE C.castsource = 23 ORDER BY C.casttarget
-- name: statement of a grid
SELECT x.* FROM public.users x ORDER BY x.user_name LIMIT 200
-- name: row count
SELECT count(*) FROM (SELECT x.* FROM public.users x) dbvrcnt
