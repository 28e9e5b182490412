-- Power BI Desktop, over Npgsql 4.0: opening, what Power Query asks of the information schema, previews, imports and DirectQuery.
-- The types as of npgsql/npgsql at v4.0.17, src/Npgsql/PostgresDatabaseInfo.cs. Power Query's own statements as servers logged them:
-- datafusion-contrib/datafusion-postgres issue 218 (October 2025); ravendb/ravendb,
-- src/Raven.Server/Integrations/PostgreSQL/PowerBI/PowerBIConfig.cs and the tests PowerBIAstTests.cs and RavenDB_17433.cs;
-- questdb/questdb, PowerBITest.java; and Adobe's guide of Customer Journey Analytics (BI extension, use cases). The relations and
-- columns are grantd's.
-- any order: types
SELECT ns.nspname, a.typname, a.oid, a.typrelid, a.typbasetype,
CASE WHEN pg_proc.proname='array_recv' THEN 'a' ELSE a.typtype END AS type,
CASE
  WHEN pg_proc.proname='array_recv' THEN a.typelem
  WHEN a.typtype='r' THEN rngsubtype
  ELSE 0
END AS elemoid,
CASE
  WHEN pg_proc.proname IN ('array_recv','oidvectorrecv') THEN 3
  WHEN a.typtype='r' THEN 2
  WHEN a.typtype='d' THEN 1
  ELSE 0
END AS ord
FROM pg_type AS a
JOIN pg_namespace AS ns ON (ns.oid = a.typnamespace)
JOIN pg_proc ON pg_proc.oid = a.typreceive
LEFT OUTER JOIN pg_class AS cls ON (cls.oid = a.typrelid)
LEFT OUTER JOIN pg_type AS b ON (b.oid = a.typelem)
LEFT OUTER JOIN pg_class AS elemcls ON (elemcls.oid = b.typrelid)
LEFT OUTER JOIN pg_range ON (pg_range.rngtypid = a.oid) 
WHERE
  a.typname NOT LIKE '\_rows\_of\_%' AND (
  a.typtype IN ('b', 'r', 'e', 'd') OR
  (a.typtype = 'c' AND cls.relkind='c') OR
  (pg_proc.proname='array_recv' AND (
    b.typtype IN ('b', 'r', 'e', 'd') OR
    (b.typtype = 'p' AND b.typname IN ('record', 'void')) OR
    (b.typtype = 'c' AND elemcls.relkind='c')
  )) OR
  (a.typtype = 'p' AND a.typname IN ('record', 'void')))
ORDER BY ord
-- name: fields of composite types
SELECT typ.oid, att.attname, att.atttypid
FROM pg_type AS typ
JOIN pg_namespace AS ns ON (ns.oid = typ.typnamespace)
JOIN pg_class AS cls ON (cls.oid = typ.typrelid)
JOIN pg_attribute AS att ON (att.attrelid = typ.typrelid)
WHERE
  (typ.typtype = 'c' AND cls.relkind='c') AND
  attnum > 0 AND
  NOT attisdropped
ORDER BY typ.oid, att.attnum
-- name: labels of enums
SELECT pg_type.oid, enumlabel
FROM pg_enum
JOIN pg_type ON pg_type.oid=enumtypid
ORDER BY oid, enumsortorder
-- name: pool return
DISCARD ALL
-- name: character set
select character_set_name from INFORMATION_SCHEMA.character_sets
-- name: tables
select TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE
from INFORMATION_SCHEMA.tables
where TABLE_SCHEMA not in ('information_schema', 'pg_catalog')
order by TABLE_SCHEMA, TABLE_NAME
-- name: columns
select COLUMN_NAME, ORDINAL_POSITION, IS_NULLABLE, case when (data_type like '%unsigned%') then DATA_TYPE || ' unsigned' else DATA_TYPE end as DATA_TYPE
from INFORMATION_SCHEMA.columns
where TABLE_SCHEMA = 'public' and TABLE_NAME = 'users'
order by TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION
-- name: keys
select i.CONSTRAINT_SCHEMA || '_' || i.CONSTRAINT_NAME as INDEX_NAME, ii.COLUMN_NAME, ii.ORDINAL_POSITION, case when i.CONSTRAINT_TYPE = 'PRIMARY KEY' then 'Y' else 'N' end as PRIMARY_KEY
from INFORMATION_SCHEMA.table_constraints i inner join INFORMATION_SCHEMA.key_column_usage ii on i.CONSTRAINT_SCHEMA = ii.CONSTRAINT_SCHEMA and i.CONSTRAINT_NAME = ii.CONSTRAINT_NAME and i.TABLE_SCHEMA = ii.TABLE_SCHEMA and i.TABLE_NAME = ii.TABLE_NAME
where i.TABLE_SCHEMA = 'public' and i.TABLE_NAME = 'users'
and i.CONSTRAINT_TYPE in ('PRIMARY KEY', 'UNIQUE')
order by i.CONSTRAINT_SCHEMA || '_' || i.CONSTRAINT_NAME, ii.TABLE_SCHEMA, ii.TABLE_NAME, ii.ORDINAL_POSITION
-- name: foreign keys to a table
select
    pkcol.COLUMN_NAME as PK_COLUMN_NAME,
    fkcol.TABLE_SCHEMA AS FK_TABLE_SCHEMA,
    fkcol.TABLE_NAME AS FK_TABLE_NAME,
    fkcol.COLUMN_NAME as FK_COLUMN_NAME,
    fkcol.ORDINAL_POSITION as ORDINAL,
    fkcon.CONSTRAINT_SCHEMA || '_' || fkcol.TABLE_NAME || '_' || 'users' || '_' || fkcon.CONSTRAINT_NAME as FK_NAME
from
    (select distinct constraint_catalog, constraint_schema, unique_constraint_schema, constraint_name, unique_constraint_name
        from INFORMATION_SCHEMA.REFERENTIAL_CONSTRAINTS) fkcon
        inner join
    INFORMATION_SCHEMA.KEY_COLUMN_USAGE fkcol
        on fkcon.CONSTRAINT_SCHEMA = fkcol.CONSTRAINT_SCHEMA
        and fkcon.CONSTRAINT_NAME = fkcol.CONSTRAINT_NAME
        inner join
    INFORMATION_SCHEMA.KEY_COLUMN_USAGE pkcol
        on fkcon.UNIQUE_CONSTRAINT_SCHEMA = pkcol.CONSTRAINT_SCHEMA
        and fkcon.UNIQUE_CONSTRAINT_NAME = pkcol.CONSTRAINT_NAME
where pkcol.TABLE_SCHEMA = 'public' and pkcol.TABLE_NAME = 'users'
        and pkcol.ORDINAL_POSITION = fkcol.ORDINAL_POSITION
order by FK_NAME, fkcol.ORDINAL_POSITION
-- name: foreign keys of a table
select
    pkcol.TABLE_SCHEMA AS PK_TABLE_SCHEMA,
    pkcol.TABLE_NAME AS PK_TABLE_NAME,
    pkcol.COLUMN_NAME as PK_COLUMN_NAME,
    fkcol.COLUMN_NAME as FK_COLUMN_NAME,
    fkcol.ORDINAL_POSITION as ORDINAL,
    fkcon.CONSTRAINT_SCHEMA || '_' || 'users' || '_' || pkcol.TABLE_NAME || '_' || fkcon.CONSTRAINT_NAME as FK_NAME
from
    (select distinct constraint_catalog, constraint_schema, unique_constraint_schema, constraint_name, unique_constraint_name
        from INFORMATION_SCHEMA.REFERENTIAL_CONSTRAINTS) fkcon
        inner join
    INFORMATION_SCHEMA.KEY_COLUMN_USAGE fkcol
        on fkcon.CONSTRAINT_SCHEMA = fkcol.CONSTRAINT_SCHEMA
        and fkcon.CONSTRAINT_NAME = fkcol.CONSTRAINT_NAME
        inner join
    INFORMATION_SCHEMA.KEY_COLUMN_USAGE pkcol
        on fkcon.UNIQUE_CONSTRAINT_SCHEMA = pkcol.CONSTRAINT_SCHEMA
        and fkcon.UNIQUE_CONSTRAINT_NAME = pkcol.CONSTRAINT_NAME
where fkcol.TABLE_SCHEMA = 'public' and fkcol.TABLE_NAME = 'users'
        and pkcol.ORDINAL_POSITION = fkcol.ORDINAL_POSITION
order by FK_NAME, fkcol.ORDINAL_POSITION
-- any order: preview
select "$Table"."user_name" as "user_name",
    "$Table"."type" as "type",
    "$Table"."disabled" as "disabled",
    "$Table"."default_role" as "default_role",
    "$Table"."created_on" as "created_on"
from "public"."users" "$Table"
limit 1000
-- any order: preview of a statement
select "$Table"."user_name" as "user_name",
    "$Table"."type" as "type",
    "$Table"."disabled" as "disabled"
from 
(
    select * from users
) "$Table"
limit 1000
-- any order: statement
select * from 
(
    select * from users
) "$Table"
limit 200
-- name: filter
select "_"."user_name",
    "_"."type",
    "_"."disabled",
    "_"."default_role",
    "_"."created_on"
from 
(
    select "user_name",
        "type",
        "disabled",
        "default_role",
        "created_on"
    from "public"."users" "$Table"
) "_"
where "_"."user_name" = 'MAIN' and "_"."user_name" is not null
limit 1000
-- any order: exclusion
select "_"."user_name",
    "_"."type",
    "_"."disabled",
    "_"."default_role",
    "_"."created_on"
from 
(
    select "user_name",
        "type",
        "disabled",
        "default_role",
        "created_on"
    from "public"."users" "$Table"
) "_"
where ("_"."user_name" <> 'MAIN' or "_"."user_name" is null) and ("_"."type" = 'SERVICE' and "_"."type" is not null or "_"."type" = 'PERSON' and "_"."type" is not null)
limit 1000
-- any order: filter by time
select "_"."user_name",
    "_"."type",
    "_"."disabled",
    "_"."default_role",
    "_"."created_on"
from 
(
    select "user_name",
        "type",
        "disabled",
        "default_role",
        "created_on"
    from "public"."users" "$Table"
) "_"
where "_"."created_on" >= timestamp '2020-01-01 00:00:00' and "_"."created_on" < timestamp '2100-01-01 00:00:00'
limit 1000
-- any order: filter by date
select "_"."user_name",
    "_"."type",
    "_"."disabled",
    "_"."default_role",
    "_"."created_on"
from 
(
    select "user_name",
        "type",
        "disabled",
        "default_role",
        "created_on"
    from "public"."users" "$Table"
) "_"
where ("_"."created_on" < date '2100-01-01' and "_"."created_on" >= date '2020-01-01') and ("_"."user_name" in ('MAIN', 'GRANTD_SVC'))
limit 1000
-- name: one time
select "_"."user_name",
    "_"."type",
    "_"."disabled",
    "_"."default_role",
    "_"."created_on"
from 
(
    select "user_name",
        "type",
        "disabled",
        "default_role",
        "created_on"
    from "public"."users" "$Table"
) "_"
where "_"."created_on" = timestamp '1994-11-15 00:00:00' and "_"."created_on" is not null
limit 1000
-- any order: replacement
select "_"."user_name" as "user_name",
    "_"."type" as "type",
    "_"."disabled" as "disabled",
    "_"."default_role" as "default_role",
    "_"."created_on" as "created_on",
    replace("_"."type", 'SERVICE', 'Service') as "t0_0"
from 
(
    select "user_name",
        "type",
        "disabled",
        "default_role",
        "created_on"
    from "public"."users" "$Table"
) "_"
limit 1000
-- any order: case
select "_"."user_name" as "user_name",
    "_"."type" as "type",
    "_"."disabled" as "disabled",
    "_"."default_role" as "default_role",
    "_"."created_on" as "created_on",
    lower("_"."user_name") as "user_name_lower",
    1 as "c0"
from 
(
    select "user_name",
        "type",
        "disabled",
        "default_role",
        "created_on"
    from "public"."users" "$Table"
) "_"
limit 1000
-- name: sorted
select "_"."user_name",
    "_"."type",
    "_"."disabled",
    "_"."default_role",
    "_"."created_on"
from 
(
    select "user_name",
        "type",
        "disabled",
        "default_role",
        "created_on"
    from "public"."users" "$Table"
) "_"
order by "_"."created_on" desc,
        "_"."user_name"
limit 1000
-- name: sum
select sum("rows"."role_count") as "a0"
from 
(
    select "role_count"
    from "public"."effective_privileges" "$Table"
) "rows"
-- any order: groups
select "rows"."user_name" as "user_name",
    "rows"."object_type" as "object_type"
from "public"."effective_privileges" "rows"
group by "user_name",
    "object_type"
limit 1000001
-- name: values of a slicer
select "_"."user_name"
from 
(
    select "rows"."user_name" as "user_name"
    from 
    (
        select "user_name"
        from "public"."effective_privileges" "$Table"
    ) "rows"
    group by "user_name"
) "_"
order by "_"."user_name"
limit 1001
-- any order: sums of a visual
select "_"."user_name",
    "_"."a0",
    "_"."a1"
from 
(
    select "rows"."user_name" as "user_name",
        sum("rows"."role_count") as "a0",
        count("rows"."privilege") as "a1"
    from 
    (
        select "_"."user_name",
            "_"."privilege",
            "_"."role_count",
            "_"."object_type"
        from "public"."effective_privileges" "_"
        where "_"."object_type" in ('DATABASE', 'SCHEMA', 'TABLE')
    ) "rows"
    group by "user_name"
) "_"
where not "_"."a0" is null or not "_"."a1" is null
limit 1000001
-- any order: sums of a calculated column
select "_"."object_type_lower",
    "_"."a0",
    "_"."a1"
from 
(
    select "rows"."object_type_lower" as "object_type_lower",
        sum("rows"."role_count") as "a0",
        max("rows"."role_count") as "a1"
    from 
    (
        select "_"."user_name" as "user_name",
            "_"."object_type" as "object_type",
            "_"."role_count" as "role_count",
            lower("_"."object_type") as "object_type_lower"
        from 
        (
            select "_"."user_name",
                "_"."object_type",
                "_"."role_count"
            from 
            (
                select "user_name",
                    "object_type",
                    "role_count"
                from "public"."effective_privileges" "$Table"
            ) "_"
            where ("_"."user_name" <> 'SANDBOX_USER' or "_"."user_name" is null) and ("_"."object_type" in ('DATABASE', 'SCHEMA', 'ROLE'))
        ) "_"
    ) "rows"
    group by "object_type_lower"
) "_"
where not "_"."a0" is null or not "_"."a1" is null
limit 1000001
-- name: sorted sums
select "_"."user_name" as "c2",
    "_"."a0" as "a0"
from 
(
    select "_"."user_name",
        "_"."a0"
    from 
    (
        select "_"."user_name",
            "_"."a0"
        from 
        (
            select "rows"."user_name" as "user_name",
                sum("rows"."role_count") as "a0"
            from 
            (
                select "user_name",
                    "role_count"
                from "public"."effective_privileges" "$Table"
            ) "rows"
            group by "user_name"
        ) "_"
        where not "_"."a0" is null
    ) "_"
) "_"
order by "_"."a0" desc,
        "_"."user_name"
limit 1001
-- name: rows of a table visual
select "_"."user_name" as "c3",
    "_"."type" as "c7",
    "_"."created_on" as "c11"
from 
(
    select "user_name",
        "type",
        "created_on",
        "_"."t2_0" as "t2_0",
        "_"."t3_0" as "t3_0"
    from 
    (
        select "_"."user_name",
            "_"."type",
            "_"."created_on",
            "_"."o2",
            "_"."t2_0",
            "_"."t3_0"
        from 
        (
            select "_"."user_name" as "user_name",
                "_"."type" as "type",
                "_"."created_on" as "created_on",
                "_"."o2" as "o2",
                case
                    when "_"."o2" is not null
                    then "_"."o2"
                    else timestamp '1899-12-28 00:00:00'
                end as "t2_0",
                case
                    when "_"."o2" is null
                    then 0
                    else 1
                end as "t3_0"
            from 
            (
                select "rows"."user_name" as "user_name",
                    "rows"."type" as "type",
                    "rows"."created_on" as "created_on",
                    "rows"."o2" as "o2"
                from 
                (
                    select "user_name" as "user_name",
                        "type" as "type",
                        "created_on" as "created_on",
                        "created_on" as "o2"
                    from "public"."users" "$Table"
                ) "rows"
                group by "user_name",
                    "type",
                    "created_on",
                    "o2"
            ) "_"
        ) "_"
    ) "_"
) "_"
order by "_"."user_name",
        "_"."type",
        "_"."t2_0",
        "_"."t3_0"
limit 501
