-- Templates on a database that a schema of it hides: a new object there gets the schema's templates only, one row
-- per schema.
--
-- A schema's templates of a type hide every template of that type on the database, whoever they are for and whatever
-- they grant.
-- column: account: Account, by the name it has in grantd
-- column: privilege: Privilege of the template on the database
-- column: object_type: Type of object both templates are for
-- column: object_database: Database of the template
-- column: granted_to: Kind of the grantee: ROLE, DATABASE_ROLE, APPLICATION_ROLE, USER, SHARE, APPLICATION
-- column: grantee: Who does not get the privilege on new objects in that schema; database roles by their full name
-- column: shadowed_by: Schema whose own templates hide it
SELECT DISTINCT
    wide.account,
    wide.privilege,
    wide.object_type,
    wide.object_database,
    wide.granted_to,
    wide.grantee,
    narrow.object_schema AS shadowed_by
FROM future_grants AS wide
JOIN future_grants AS narrow
    ON narrow.account = wide.account
    AND narrow.object_database = wide.object_database
    AND narrow.object_type = wide.object_type
WHERE wide.object_schema IS NULL
    AND wide.shadowed
    AND narrow.object_schema IS NOT NULL
