-- DBeaver 24.2.4: what it reads of the catalog and how it reads rows.
-- The statements of dbeaver/dbeaver at 2428359b, plugins/org.jkiss.dbeaver.ext.postgresql: model/Postgre{DataSource,Database,Schema,
-- DataType,DataTypeCache,ExecutionContext,Role,Dependency,Table,TableReal,Procedure,ViewBase,AccessMethod,ForeignServer,
-- StructureAssistant}.java, model/{lock,plan,session}/*.java and the dashboards of plugin.xml. It binds texts as varchar and oids as
-- bigint; here they stand in the statements. "names of databases" is "databases" without what differs by server.
-- name: floats
SET extra_float_digits = 3
-- name: application
SET application_name = 'DBeaver 24.2.4 - Main <grantd>'
-- columns: databases
SELECT db.oid,db.* FROM pg_catalog.pg_database db WHERE 1 = 1 AND datallowconn AND NOT datistemplate OR db.datname ='grantd'::varchar
ORDER BY db.datname
-- name: names of databases
SELECT db.datname,db.datallowconn,db.datistemplate FROM pg_catalog.pg_database db WHERE 1 = 1 AND datallowconn AND NOT datistemplate AND db.datname ='grantd'::varchar
ORDER BY db.datname
-- name: version
SELECT version()
-- name: whether there are enums
SELECT * FROM pg_catalog.pg_enum WHERE 1<>1 LIMIT 1
-- name: whether a table has a type
SELECT reltype FROM pg_catalog.pg_class WHERE 1<>1 LIMIT 1
-- name: whether types have a category
SELECT typcategory FROM pg_catalog.pg_type WHERE 1<>1 LIMIT 1
-- name: a setting
select * from pg_catalog.pg_settings where name='standard_conforming_strings'::varchar
-- columns: settings
select * from pg_catalog.pg_settings
-- columns: database
SELECT db.oid,db.* FROM pg_catalog.pg_database db WHERE datname='grantd'::varchar
-- name: description of the database
select description from pg_shdescription join pg_database on objoid = pg_database.oid where datname = 'grantd'::varchar
-- name: session state
SELECT current_schema(),session_user
-- name: search path
SHOW search_path
-- name: another search path
SET search_path = public,"$user"
-- name: schemas
SELECT n.oid,n.*,d.description FROM pg_catalog.pg_namespace n
LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=n.oid AND d.objsubid=0 AND d.classoid='pg_namespace'::regclass
 ORDER BY nspname
-- name: id of a schema
SELECT s.oid as schema_id
from pg_catalog.pg_namespace s
WHERE s.nspname ='public'::varchar
-- any order: types
SELECT t.oid,t.*,c.relkind,format_type(nullif(t.typbasetype, 0), t.typtypmod) as base_type_name, d.description
FROM pg_catalog.pg_type t
LEFT OUTER JOIN pg_catalog.pg_type et ON et.oid=t.typelem 
LEFT OUTER JOIN pg_catalog.pg_class c ON c.oid=t.typrelid
LEFT OUTER JOIN pg_catalog.pg_description d ON t.oid=d.objoid
WHERE t.typname IS NOT NULL
AND (c.relkind IS NULL OR c.relkind = 'c') AND (et.typcategory IS NULL OR et.typcategory <> 'C')
-- any order: types of a schema
SELECT t.oid,t.*,c.relkind,format_type(nullif(t.typbasetype, 0), t.typtypmod) as base_type_name, d.description
FROM pg_catalog.pg_type t
LEFT OUTER JOIN pg_catalog.pg_type et ON et.oid=t.typelem 
LEFT OUTER JOIN pg_catalog.pg_class c ON c.oid=t.typrelid
LEFT OUTER JOIN pg_catalog.pg_description d ON t.oid=d.objoid
WHERE t.typname IS NOT NULL
AND (c.relkind IS NULL OR c.relkind = 'c') AND (et.typcategory IS NULL OR et.typcategory <> 'C')
AND t.typnamespace='public'::regnamespace::bigint
-- any order: every type of a schema
SELECT t.oid,t.*,c.relkind,format_type(nullif(t.typbasetype, 0), t.typtypmod) as base_type_name, d.description
FROM pg_catalog.pg_type t
LEFT OUTER JOIN pg_catalog.pg_class c ON c.oid=t.typrelid
LEFT OUTER JOIN pg_catalog.pg_description d ON t.oid=d.objoid
WHERE t.typname IS NOT NULL
AND t.typnamespace='public'::regnamespace::bigint
-- name: type by oid
SELECT t.oid,t.*,c.relkind,format_type(nullif(t.typbasetype, 0), t.typtypmod) as base_type_name FROM pg_catalog.pg_type t
LEFT OUTER JOIN pg_class c ON c.oid=t.typrelid
LEFT OUTER JOIN pg_catalog.pg_description d ON t.oid=d.objoid
WHERE t.oid=1184::bigint
-- name: type by name
SELECT t.oid,t.*,format_type(nullif(t.typbasetype, 0), t.typtypmod) as base_type_name FROM pg_catalog.pg_type t
LEFT OUTER JOIN pg_class c ON c.oid=t.typrelid
LEFT OUTER JOIN pg_catalog.pg_description d ON t.oid=d.objoid
WHERE t.typname='numeric'::varchar
-- name: attributes of a type
SELECT c.relname,row_number() OVER (ORDER BY a.attnum) as attnum,a.*,pg_catalog.pg_get_expr(ad.adbin, ad.adrelid, true) as def_value,dsc.description
FROM pg_catalog.pg_attribute a
INNER JOIN pg_catalog.pg_class c ON (a.attrelid=c.oid)
LEFT OUTER JOIN pg_catalog.pg_attrdef ad ON (a.attrelid=ad.adrelid AND a.attnum = ad.adnum)
LEFT OUTER JOIN pg_catalog.pg_description dsc ON (c.oid=dsc.objoid AND a.attnum = dsc.objsubid)
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.oid='public.users'::regclass::bigint
ORDER BY a.attnum
-- name: labels of an enum
SELECT e.enumlabel 
FROM pg_catalog.pg_enum e
WHERE e.enumtypid=1184::bigint
ORDER BY e.enumsortorder
-- name: enums
SELECT * FROM pg_catalog.pg_enum
-- name: constraint of a domain
SELECT concat(c.conname, ' ', pg_catalog.pg_get_constraintdef(oid, true))
FROM pg_catalog.pg_constraint c
WHERE contypid = 1184
-- any order: relations
SELECT c.oid,c.*,d.description,pg_catalog.pg_get_expr(c.relpartbound, c.oid) as partition_expr,  pg_catalog.pg_get_partkeydef(c.oid) as partition_key 
FROM pg_catalog.pg_class c
LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=c.oid AND d.objsubid=0 AND d.classoid='pg_class'::regclass
WHERE c.relnamespace='public'::regnamespace::bigint AND c.relkind not in ('i','I','c')
-- name: relation
SELECT c.oid,c.*,d.description,pg_catalog.pg_get_expr(c.relpartbound, c.oid) as partition_expr,  pg_catalog.pg_get_partkeydef(c.oid) as partition_key 
FROM pg_catalog.pg_class c
LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=c.oid AND d.objsubid=0 AND d.classoid='pg_class'::regclass
WHERE c.relnamespace='public'::regnamespace::bigint AND c.relkind not in ('i','I','c') AND relname='users'::varchar
-- name: columns
SELECT c.relname,a.*,pg_catalog.pg_get_expr(ad.adbin, ad.adrelid, true) as def_value,dsc.description,dep.objid
FROM pg_catalog.pg_attribute a
INNER JOIN pg_catalog.pg_class c ON (a.attrelid=c.oid)
LEFT OUTER JOIN pg_catalog.pg_attrdef ad ON (a.attrelid=ad.adrelid AND a.attnum = ad.adnum)
LEFT OUTER JOIN pg_catalog.pg_description dsc ON (c.oid=dsc.objoid AND a.attnum = dsc.objsubid)
LEFT OUTER JOIN pg_depend dep on dep.refobjid = a.attrelid AND dep.deptype = 'i' and dep.refobjsubid = a.attnum and dep.classid = dep.refclassid
WHERE NOT a.attisdropped AND c.relkind not in ('i','I','c') AND c.oid='public.users'::regclass::bigint
ORDER BY a.attnum
-- any order: columns of a schema
SELECT c.relname,a.*,pg_catalog.pg_get_expr(ad.adbin, ad.adrelid, true) as def_value,dsc.description,dep.objid
FROM pg_catalog.pg_attribute a
INNER JOIN pg_catalog.pg_class c ON (a.attrelid=c.oid)
LEFT OUTER JOIN pg_catalog.pg_attrdef ad ON (a.attrelid=ad.adrelid AND a.attnum = ad.adnum)
LEFT OUTER JOIN pg_catalog.pg_description dsc ON (c.oid=dsc.objoid AND a.attnum = dsc.objsubid)
LEFT OUTER JOIN pg_depend dep on dep.refobjid = a.attrelid AND dep.deptype = 'i' and dep.refobjsubid = a.attnum and dep.classid = dep.refclassid
WHERE NOT a.attisdropped AND c.relkind not in ('i','I','c') AND c.relnamespace='public'::regnamespace::bigint
ORDER BY a.attnum
-- name: constraints
SELECT c.oid,c.*,t.relname as tabrelname,rt.relnamespace as refnamespace,d.description, case when c.contype='c' then "substring"(pg_get_constraintdef(c.oid), 7) else null end consrc_copy
FROM pg_catalog.pg_constraint c
INNER JOIN pg_catalog.pg_class t ON t.oid=c.conrelid
LEFT OUTER JOIN pg_catalog.pg_class rt ON rt.oid=c.confrelid
LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=c.oid AND d.objsubid=0 AND d.classoid='pg_constraint'::regclass
WHERE c.conrelid='public.users'::regclass::bigint
ORDER BY c.oid
-- name: constraints of a schema
SELECT c.oid,c.*,t.relname as tabrelname,rt.relnamespace as refnamespace,d.description, case when c.contype='c' then "substring"(pg_get_constraintdef(c.oid), 7) else null end consrc_copy
FROM pg_catalog.pg_constraint c
INNER JOIN pg_catalog.pg_class t ON t.oid=c.conrelid
LEFT OUTER JOIN pg_catalog.pg_class rt ON rt.oid=c.confrelid
LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=c.oid AND d.objsubid=0 AND d.classoid='pg_constraint'::regclass
WHERE t.relnamespace='public'::regnamespace::bigint
ORDER BY c.oid
-- name: indexes
SELECT i.*,i.indkey as keys,c.relname,c.relnamespace,c.relam,c.reltablespace,tc.relname as tabrelname,dsc.description,pg_catalog.pg_get_expr(i.indpred, i.indrelid) as pred_expr,pg_catalog.pg_get_expr(i.indexprs, i.indrelid, true) as expr,pg_catalog.pg_relation_size(i.indexrelid) as index_rel_size,pg_catalog.pg_stat_get_numscans(i.indexrelid) as index_num_scans
FROM pg_catalog.pg_index i
INNER JOIN pg_catalog.pg_class c ON c.oid=i.indexrelid
INNER JOIN pg_catalog.pg_class tc ON tc.oid=i.indrelid
LEFT OUTER JOIN pg_catalog.pg_description dsc ON i.indexrelid=dsc.objoid
WHERE  i.indrelid='public.users'::regclass::bigint ORDER BY c.relname
-- name: indexes of a schema
SELECT i.*,i.indkey as keys,c.relname,c.relnamespace,c.relam,c.reltablespace,tc.relname as tabrelname,dsc.description,pg_catalog.pg_get_expr(i.indpred, i.indrelid) as pred_expr,pg_catalog.pg_get_expr(i.indexprs, i.indrelid, true) as expr,pg_catalog.pg_relation_size(i.indexrelid) as index_rel_size,pg_catalog.pg_stat_get_numscans(i.indexrelid) as index_num_scans
FROM pg_catalog.pg_index i
INNER JOIN pg_catalog.pg_class c ON c.oid=i.indexrelid
INNER JOIN pg_catalog.pg_class tc ON tc.oid=i.indrelid
LEFT OUTER JOIN pg_catalog.pg_description dsc ON i.indexrelid=dsc.objoid
WHERE  c.relnamespace='public'::regnamespace::bigint ORDER BY c.relname
-- columns: functions
SELECT p.oid as poid,p.*,pg_catalog.pg_get_expr(p.proargdefaults, 0) as arg_defaults,d.description
FROM pg_catalog.pg_proc p
LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=p.oid and d.classoid='pg_proc'::regclass  AND d.objsubid = 0
WHERE p.pronamespace='public'::regnamespace::bigint
ORDER BY p.proname
-- columns: functions of the system
SELECT p.oid as poid,p.*,pg_catalog.pg_get_expr(p.proargdefaults, 0) as arg_defaults,d.description
FROM pg_catalog.pg_proc p
LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=p.oid and d.classoid='pg_proc'::regclass  AND d.objsubid = 0
WHERE p.pronamespace='pg_catalog'::regnamespace::bigint
ORDER BY p.proname
-- name: aggregates
SELECT p.oid AS proc_oid,p.proname AS proc_name,a.*
FROM pg_catalog.pg_aggregate a,pg_catalog.pg_proc p
WHERE p.oid=a.aggfnoid AND p.pronamespace='public'::regnamespace::bigint
ORDER BY p.proname
-- name: body of an aggregate
SELECT (pg_identify_object('pg_proc'::regclass, aggfnoid, 0)).identity,
aggtransfn::regproc,
format_type(aggtranstype, NULL) as aggtranstype,
CASE aggfinalfn WHEN '-'::regproc THEN NULL ELSE aggfinalfn::text END,
CASE aggsortop WHEN 0 THEN NULL ELSE oprname END,
agginitval, aggmtransfn, aggminvtransfn,
aggfinalextra, aggmfinalextra, aggserialfn, aggdeserialfn, aggmfinalfn,
format_type(aggmtranstype, NULL) as aggmtranstype
,aggfinalmodify, aggmfinalmodify FROM pg_aggregate
LEFT JOIN pg_operator ON pg_operator.oid = aggsortop
WHERE aggfnoid = 'pg_catalog.bool_and'::varchar::regproc
-- name: body of a function
SELECT prosrc FROM pg_proc where oid = 1299::bigint
-- name: definition of a function
SELECT pg_get_functiondef(1299)
-- columns: extensions
SELECT 
 e.oid,
 cfg.tbls,
  n.nspname as schema_name,
 e.* 
FROM 
 pg_catalog.pg_extension e 
 join pg_namespace n on n.oid =e.extnamespace
 left join  (
         select
            ARRAY_AGG(ns.nspname || '.' ||  cls.relname) tbls, oid_ext
          from
            (
            select
                unnest(e1.extconfig) oid , e1.oid oid_ext
            from
                pg_catalog.pg_extension e1 ) c 
                join    pg_class cls on cls.oid = c.oid 
                join pg_namespace ns on ns.oid = cls.relnamespace
            group by oid_ext        
         ) cfg on cfg.oid_ext = e.oid
ORDER BY e.oid
-- name: extensions of a schema
SELECT 
 e.oid,
 cfg.tbls,
 e.* 
FROM 
 pg_catalog.pg_extension e 
 join pg_namespace n on n.oid =e.extnamespace
 left join  (
         select
            ARRAY_AGG(ns.nspname || '.' ||  cls.relname) tbls, oid_ext
          from
            (
            select
                unnest(e1.extconfig) oid , e1.oid oid_ext
            from
                pg_catalog.pg_extension e1 ) c 
                join    pg_class cls on cls.oid = c.oid 
                join pg_namespace ns on ns.oid = cls.relnamespace
            group by oid_ext        
         ) cfg on cfg.oid_ext = e.oid

WHERE e.extnamespace='public'::regnamespace::bigint
ORDER BY e.oid
-- columns: extensions to install
SELECT name,default_version,installed_version,comment FROM pg_catalog.pg_available_extensions ORDER BY name
-- name: inheritance
SELECT i.inhrelid relid, pc.relnamespace parent_ns, pc.oid parent_oid, i.inhseqno
FROM pg_catalog.pg_inherits i, pg_class rc, pg_class pc
WHERE rc.oid=i.inhrelid AND rc.relnamespace='public'::regnamespace::bigint AND pc.oid=i.inhparent
-- name: parents
SELECT i.*,c.relnamespace FROM pg_catalog.pg_inherits i,pg_catalog.pg_class c WHERE i.inhrelid='public.users'::regclass::bigint AND c.oid=i.inhparent ORDER BY i.inhseqno
-- name: children
SELECT i.*,c.relnamespace FROM pg_catalog.pg_inherits i,pg_catalog.pg_class c WHERE i.inhparent='public.users'::regclass::bigint AND c.oid=i.inhrelid
-- name: partition
select pg_get_expr(c.relpartbound, c.oid, true) as partition_range from "pg_catalog".pg_class c where relname = 'users'::varchar and relnamespace = 'public'::regnamespace::bigint;
-- any order: sizes
select c.oid,pg_catalog.pg_total_relation_size(c.oid) as total_rel_size,pg_catalog.pg_relation_size(c.oid) as rel_size
FROM pg_class c
WHERE c.relnamespace='public'::regnamespace::bigint
-- name: size
select pg_catalog.pg_total_relation_size('public.users'::regclass::bigint) as total_rel_size,pg_catalog.pg_relation_size('public.users'::regclass::bigint) as rel_size
-- columns: sizes of databases
SELECT db.datname,pg_database_size(db.oid) FROM pg_catalog.pg_database db
-- name: default privileges
SELECT * FROM pg_default_acl WHERE defaclnamespace = 'public'::regnamespace::bigint
-- name: triggers
SELECT x.oid,x.*,p.pronamespace as func_schema_id,d.description
FROM pg_catalog.pg_trigger x
LEFT OUTER JOIN pg_catalog.pg_proc p ON p.oid=x.tgfoid 
LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=x.oid AND d.objsubid=0 
WHERE x.tgrelid = 'public.users'::regclass::bigint AND NOT x.tgisinternal
-- name: rules
SELECT r.oid,r.*, pg_get_ruledef(r.oid) AS definition
FROM pg_rewrite r
WHERE r.ev_class='public.users'::regclass::bigint AND r.rulename <> '_RETURN'::name
-- name: view
SELECT pg_get_viewdef('public.users'::regclass::oid, true) IS NOT NULL
-- any order: dependencies
SELECT DISTINCT dep.deptype, dep.classid, dep.refobjid, cl.relkind, attr.attname,pg_get_expr(ad.adbin, ad.adrelid) adefval,
    CASE WHEN cl.relkind IS NOT NULL THEN cl.relkind::text || COALESCE(dep.objsubid::text, '')::text
        WHEN tg.oid IS NOT NULL THEN 'T'::text
        WHEN ty.oid IS NOT NULL THEN 'y'::text
        WHEN ns.oid IS NOT NULL THEN 'n'::text
        WHEN pr.oid IS NOT NULL THEN 'p'::text
        WHEN la.oid IS NOT NULL THEN 'l'::text
        WHEN rw.oid IS NOT NULL THEN 'R'::text
        WHEN co.oid IS NOT NULL THEN 'C'::text || contype::text
        WHEN ad.oid IS NOT NULL THEN 'A'::text
        ELSE ''
    END AS type,
    COALESCE(coc.relname, clrw.relname, tgr.relname) AS ownertable,
    CASE WHEN cl.relname IS NOT NULL AND att.attname IS NOT NULL THEN cl.relname || '.' || att.attname
    ELSE COALESCE(cl.relname, co.conname, pr.proname, tg.tgname, ty.typname, la.lanname, rw.rulename, ns.nspname)
    END AS refname,
    COALESCE(nsc.nspname, nso.nspname, nsp.nspname, nst.nspname, nsrw.nspname, tgrn.nspname) AS nspname
FROM pg_depend dep
LEFT JOIN pg_class cl ON dep.refobjid=cl.oid
LEFT JOIN pg_attribute att ON dep.refobjid=att.attrelid AND dep.objsubid=att.attnum
LEFT JOIN pg_namespace nsc ON cl.relnamespace=nsc.oid
LEFT JOIN pg_proc pr ON dep.refobjid=pr.oid
LEFT JOIN pg_namespace nsp ON pr.pronamespace=nsp.oid
LEFT JOIN pg_trigger tg ON dep.refobjid=tg.oid
LEFT JOIN pg_class tgr ON tg.tgrelid=tgr.oid
LEFT JOIN pg_namespace tgrn ON tgr.relnamespace=tgrn.oid
LEFT JOIN pg_type ty ON dep.refobjid=ty.oid
LEFT JOIN pg_namespace nst ON ty.typnamespace=nst.oid
LEFT JOIN pg_constraint co ON dep.refobjid=co.oid
LEFT JOIN pg_class coc ON co.conrelid=coc.oid
LEFT JOIN pg_namespace nso ON co.connamespace=nso.oid
LEFT JOIN pg_rewrite rw ON dep.refobjid=rw.oid
LEFT JOIN pg_class clrw ON clrw.oid=rw.ev_class
LEFT JOIN pg_namespace nsrw ON clrw.relnamespace=nsrw.oid
LEFT JOIN pg_language la ON dep.refobjid=la.oid
LEFT JOIN pg_namespace ns ON dep.refobjid=ns.oid
LEFT JOIN pg_attrdef ad ON ad.oid=dep.refobjid
LEFT JOIN pg_attribute attr ON attr.attrelid=ad.adrelid and attr.attnum=ad.adnum
WHERE dep.objid='public.users'::regclass::bigint
ORDER BY type
-- any order: dependents
SELECT DISTINCT dep.deptype, dep.classid, dep.objid, cl.relkind, attr.attname,pg_get_expr(ad.adbin, ad.adrelid) adefval,
    CASE WHEN cl.relkind IS NOT NULL THEN cl.relkind::text || COALESCE(dep.objsubid::text, '')::text
        WHEN tg.oid IS NOT NULL THEN 'T'::text
        WHEN ty.oid IS NOT NULL THEN 'y'::text
        WHEN ns.oid IS NOT NULL THEN 'n'::text
        WHEN pr.oid IS NOT NULL THEN 'p'::text
        WHEN la.oid IS NOT NULL THEN 'l'::text
        WHEN rw.oid IS NOT NULL THEN 'R'::text
        WHEN co.oid IS NOT NULL THEN 'C'::text || contype::text
        WHEN ad.oid IS NOT NULL THEN 'A'::text
        ELSE ''
    END AS type,
    COALESCE(coc.relname, clrw.relname, tgr.relname) AS ownertable,
    CASE WHEN cl.relname IS NOT NULL AND att.attname IS NOT NULL THEN cl.relname || '.' || att.attname
    ELSE COALESCE(cl.relname, co.conname, pr.proname, tg.tgname, ty.typname, la.lanname, rw.rulename, ns.nspname)
    END AS refname,
    COALESCE(nsc.nspname, nso.nspname, nsp.nspname, nst.nspname, nsrw.nspname, tgrn.nspname) AS nspname
FROM pg_depend dep
LEFT JOIN pg_class cl ON dep.objid=cl.oid
LEFT JOIN pg_attribute att ON dep.objid=att.attrelid AND dep.objsubid=att.attnum
LEFT JOIN pg_namespace nsc ON cl.relnamespace=nsc.oid
LEFT JOIN pg_proc pr ON dep.objid=pr.oid
LEFT JOIN pg_namespace nsp ON pr.pronamespace=nsp.oid
LEFT JOIN pg_trigger tg ON dep.objid=tg.oid
LEFT JOIN pg_class tgr ON tg.tgrelid=tgr.oid
LEFT JOIN pg_namespace tgrn ON tgr.relnamespace=tgrn.oid
LEFT JOIN pg_type ty ON dep.objid=ty.oid
LEFT JOIN pg_namespace nst ON ty.typnamespace=nst.oid
LEFT JOIN pg_constraint co ON dep.objid=co.oid
LEFT JOIN pg_class coc ON co.conrelid=coc.oid
LEFT JOIN pg_namespace nso ON co.connamespace=nso.oid
LEFT JOIN pg_rewrite rw ON dep.objid=rw.oid
LEFT JOIN pg_class clrw ON clrw.oid=rw.ev_class
LEFT JOIN pg_namespace nsrw ON clrw.relnamespace=nsrw.oid
LEFT JOIN pg_language la ON dep.objid=la.oid
LEFT JOIN pg_namespace ns ON dep.objid=ns.oid
LEFT JOIN pg_attrdef ad ON ad.oid=dep.objid
LEFT JOIN pg_attribute attr ON attr.attrelid=ad.adrelid and attr.attnum=ad.adnum
WHERE dep.refobjid='public.users'::regclass::bigint
ORDER BY type
-- columns: roles
SELECT a.oid,a.*,pd.description FROM pg_catalog.pg_roles a 
left join pg_catalog.pg_shdescription pd on a.oid = pd.objoid
ORDER BY a.rolname
-- name: members of a role
SELECT * FROM pg_catalog.pg_auth_members WHERE roleid='grantd'::regrole::bigint
-- name: memberships of a role
SELECT * FROM pg_catalog.pg_auth_members WHERE member='grantd'::regrole::bigint
-- name: settings of a role
select s.setconfig, pd.datname from pg_catalog.pg_db_role_setting s
left join pg_catalog.pg_database pd on s.setdatabase = pd.oid
where s.setrole = 'grantd'::regrole::bigint
-- any order: table privileges
SELECT * FROM information_schema.table_privileges WHERE table_catalog='grantd'::varchar AND grantee='grantd'::varchar AND table_schema = 'public'
-- columns: routine privileges
SELECT * FROM information_schema.routine_privileges WHERE specific_catalog='grantd'::varchar AND grantee='grantd'::varchar
-- any order: other privileges
SELECT * FROM (
	SELECT DISTINCT relnamespace,
	relacl,
	relname,
	relkind,
(aclexplode(relacl)).grantee as granteeI
FROM
	pg_class
WHERE
	relacl IS NOT NULL
	AND relnamespace IN (
SELECT oid
FROM pg_namespace
WHERE nspname NOT LIKE 'pg_%' AND nspname != 'information_schema')
UNION ALL
SELECT DISTINCT
	n.oid AS relnamespace,
	nspacl AS relacl,
	n.nspname AS relname,
	cast('C' as "char") AS relkind,
(aclexplode(nspacl)).grantee as granteeI
FROM
	pg_catalog.pg_namespace n
WHERE
	n.nspacl IS NOT NULL 
	) AS tr
WHERE tr.granteeI='grantd'::regrole::bigint AND tr.relkind IN('S', 'm', 'C')
-- name: encodings
SELECT c.contoencoding as encid,pg_catalog.pg_encoding_to_char(c.contoencoding) as encname
FROM pg_catalog.pg_conversion c
GROUP BY c.contoencoding
ORDER BY 2
-- columns: collations
SELECT c.oid,c.* FROM pg_catalog.pg_collation c 
ORDER BY c.oid
-- columns: languages
SELECT l.oid,l.* FROM pg_catalog.pg_language l 
ORDER BY l.oid
-- name: access methods
SELECT am.oid,am.* FROM pg_catalog.pg_am am 
ORDER BY am.oid
-- columns: operator classes
SELECT oc.oid,oc.* FROM pg_catalog.pg_opclass oc 
ORDER BY oc.oid
-- columns: operator families
SELECT of.oid,of.* FROM pg_catalog.pg_opfamily of 
ORDER BY of.oid
-- name: foreign data wrappers
SELECT l.oid,l.*,p.pronamespace as handler_schema_id 
FROM pg_catalog.pg_foreign_data_wrapper l
LEFT OUTER JOIN pg_catalog.pg_proc p ON p.oid=l.fdwhandler 
ORDER BY l.fdwname
-- name: foreign servers
SELECT l.oid,l.* FROM pg_catalog.pg_foreign_server l
ORDER BY l.srvname
-- name: users of a foreign server
select distinct 
srvname, 
case when rolname is null then 'public' else rolname end rolname, 
srvoptions,  
umoptions  
from pg_user_mapping um  
join pg_foreign_server fs on um.umserver = fs.OID  
left join pg_authid pa on um.umuser = pa.OID 
where fs.OID = 16384
ORDER BY srvname
-- name: tablespaces
SELECT t.oid,t.*,pg_tablespace_location(t.oid) loc
FROM pg_catalog.pg_tablespace t 
ORDER BY t.oid
-- name: event triggers
SELECT pet.*, d.description FROM pg_catalog.pg_event_trigger pet
LEFT OUTER JOIN pg_catalog.pg_description d ON pet."oid" = d.objoid
-- name: jobs
SELECT * FROM pgagent.pga_job
-- name: searched relations
SELECT pc.oid,pc.relname,pc.relnamespace,pc.relkind FROM pg_catalog.pg_class pc WHERE pc.relkind in('r','v','m','f','p') AND (pc.relname ILIKE '%user%'::varchar OR obj_description(pc.oid, 'pg_class') ILIKE '%user%'::varchar)AND pc.relnamespace IN ('public'::regnamespace::bigint) ORDER BY pc.relname LIMIT 100
-- name: searched definitions
SELECT pc.oid,pc.relname,pc.relnamespace,pc.relkind FROM pg_catalog.pg_class pc WHERE pc.relkind in('r','v','m','f','p') AND (pc.relname LIKE 'us%'::varchar  OR (pc.relkind = 'v' AND pg_get_viewdef(pc."oid") LIKE 'no such text%'::varchar))AND pc.relnamespace IN ('public'::regnamespace::bigint) ORDER BY pc.relname LIMIT 100
-- columns: searched functions
SELECT pp.oid as poid, pp.* FROM pg_catalog.pg_proc pp WHERE (pp.proname ILIKE '%user%'::varchar OR obj_description(pp.oid, 'pg_proc') ILIKE '%user%'::varchar)AND pp.pronamespace IN ('public'::regnamespace::bigint) ORDER BY pp.proname LIMIT 100
-- name: searched constraints
SELECT pc.oid, pc.conname, pc.connamespace FROM pg_catalog.pg_constraint pc WHERE (pc.conname ILIKE '%user%'::varchar OR obj_description(pc.oid, 'pg_constraint') ILIKE '%user%'::varchar OR (pg_get_constraintdef(pc."oid") ILIKE '%user%'::varchar))AND pc.connamespace IN ('public'::regnamespace::bigint) ORDER BY pc.conname LIMIT 100
-- any order: searched columns
SELECT x.attname,x.attrelid,x.atttypid,c.relnamespace FROM pg_catalog.pg_attribute x, pg_catalog.pg_class c WHERE c.oid=x.attrelid AND (x.attname ILIKE '%user%'::varchar OR col_description(c.oid, x.attnum) ILIKE '%user%'::varchar)AND c.relnamespace IN ('public'::regnamespace::bigint) ORDER BY x.attname LIMIT 100
-- columns: sessions
SELECT sa.* FROM pg_catalog.pg_stat_activity sa
-- name: end of a session
SELECT pg_catalog.pg_terminate_backend(999999999)
-- name: locks
with locks as ( select pid,locktype, mode,granted,transactionid tid,relation,page,tuple from pg_locks ), conflict as ( select * from (values ('AccessShareLock','AccessExclusiveLock',1), ('RowShareLock','ExclusiveLock',1), ('RowShareLock','AccessExclusiveLock',2), ('RowExclusiveLock','ShareLock', 1), ('RowExclusiveLock','ShareRowExclusiveLock',2), ('RowExclusiveLock','ExclusiveLock',3), ('RowExclusiveLock','AccessExclusiveLock',4), ('ShareUpdateExclusiveLock','ShareUpdateExclusiveLock',1), ('ShareUpdateExclusiveLock','ShareLock',2), ('ShareUpdateExclusiveLock','ShareRowExclusiveLock',3), ('ShareUpdateExclusiveLock','ExclusiveLock', 4), ('ShareUpdateExclusiveLock','AccessExclusiveLock',5), ('ShareLock','RowExclusiveLock',1), ('ShareLock','ShareUpdateExclusiveLock',2), ('ShareLock','ShareRowExclusiveLock',3), ('ShareLock','ExclusiveLock',4), ('ShareLock','AccessExclusiveLock',5), ('ShareRowExclusiveLock','RowExclusiveLock', 1), ('ShareRowExclusiveLock','ShareUpdateExclusiveLock', 2), ('ShareRowExclusiveLock','ShareLock', 3), ('ShareRowExclusiveLock','ShareRowExclusiveLock',4), ('ShareRowExclusiveLock','ExclusiveLock',5), ('ShareRowExclusiveLock','AccessExclusiveLock', 6), ('ExclusiveLock','RowShareLock',1), ('ExclusiveLock','RowExclusiveLock',2), ('ExclusiveLock','ShareUpdateExclusiveLock',3), ('ExclusiveLock','ShareLock',4), ('ExclusiveLock','ShareRowExclusiveLock',5), ('ExclusiveLock','ExclusiveLock',6), ('ExclusiveLock','AccessExclusiveLock',7), ('AccessExclusiveLock','AccessShareLock',1), ('AccessExclusiveLock','RowShareLock',2), ('AccessExclusiveLock','RowExclusiveLock',3), ('AccessExclusiveLock','ShareUpdateExclusiveLock',4), ('AccessExclusiveLock','ShareLock',5), ('AccessExclusiveLock','ShareRowExclusiveLock',6), ('AccessExclusiveLock','ExclusiveLock',7), ('AccessExclusiveLock','AccessExclusiveLock',8) ) as t (mode1,mode2,prt) ) ,real_locks as (select la.pid as blocked_pid, blocked_activity.usename AS blocked_user, la.blocked AS blocking_pid, blocking_activity.usename AS blocking_user, blocked_activity.query AS blocked_statement, blocking_activity.query AS statement_in from ( select l.*, c.mode2, c.prt, l2.pid blocked, row_number() over(partition by l.pid order by c.prt) rid from locks l join conflict c on l.mode = c.mode1 join locks l2 on l2.locktype = l.locktype and l2.mode = c.mode2 and l2.granted and l.pid != l2.pid and coalesce(l.tid::text,'*') ||':'|| coalesce(l.relation::text,'*') ||':'|| coalesce(l.page::text,'*') ||':'|| coalesce(l.tuple::text,'*') = coalesce(l2.tid::text,'*') ||':'|| coalesce(l2.relation::text,'*') ||':'|| coalesce(l2.page::text,'*') ||':'|| coalesce(l2.tuple::text,'*') where not l.granted ) la join pg_catalog.pg_stat_activity blocked_activity ON blocked_activity.pid = la.pid join pg_catalog.pg_stat_activity blocking_activity ON blocking_activity.pid = la.blocked where la.rid = 1) , root_quest as ( select blocking_pid as blocking_pid from real_locks except select blocked_pid from real_locks ) select blocked_pid, blocked_user, blocking_pid, blocking_user, blocked_statement, statement_in from real_locks union select real_locks.blocking_pid, real_locks.blocking_user, null::integer, null::text, real_locks.statement_in, null::text from real_locks, root_quest where real_locks.blocking_pid = root_quest.blocking_pid
-- columns: locks of a session
select coalesce(db.datname,'') as datname, coalesce(lock.locktype,'') as locktype, coalesce(lock.relation::regclass::varchar,'') as relation, coalesce(lock.mode,'') as mode, coalesce(lock.transactionid::varchar,'') as tid, lock.page as page, lock.tuple as tuple, lock.pid as pid, lock.granted from pg_catalog.pg_locks lock left join pg_catalog.pg_database db on db.oid = lock.database where lock.pid = pg_backend_pid()
-- columns: plan
EXPLAIN (FORMAT XML,VERBOSE) SELECT x.* FROM public.users x
-- columns: measured plan
EXPLAIN (FORMAT XML,ANALYZE,VERBOSE,BUFFERS,SUMMARY) SELECT x.* FROM public.users x
-- columns: dashboard of sessions
SELECT
    (SELECT count(*) AS "Active" FROM pg_catalog.pg_stat_activity sa WHERE state='active'),
    (SELECT count(*) AS "Idle" FROM pg_catalog.pg_stat_activity sa WHERE state='idle'),
    (SELECT count(*) AS "Total" FROM pg_catalog.pg_stat_activity sa WHERE state IS NOT NULL)
-- columns: dashboard of transactions
SELECT
    (SELECT sum(xact_commit) + sum(xact_rollback) AS "Total" FROM pg_stat_database),
    (SELECT sum(xact_commit) AS "Commit" FROM pg_stat_database),
    (SELECT sum(xact_rollback) AS "Rollback" FROM pg_stat_database)
-- columns: dashboard of blocks
SELECT
    (SELECT sum(blks_read) as "Read" FROM pg_stat_database),
    (SELECT sum(blks_hit) as "Hits" FROM pg_stat_database)
-- name: statement of a grid
SELECT x.* FROM public.users x
ORDER BY x.user_name
LIMIT 200
-- name: row count
SELECT COUNT(*) FROM (
SELECT x.* FROM public.users x
) dbvrcnt
