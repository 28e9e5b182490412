-- Custom roles that SYSADMIN does not include: what they own, no administrator can manage through SYSADMIN.
--
-- Roles of every kind; those that come with an account are left out.
-- column: account: Account, by the name it has in grantd
-- column: role_name: Name; database and application roles by their full name: DB.READER
-- column: role_type: ROLE, DATABASE_ROLE, APPLICATION_ROLE or INSTANCE_ROLE
-- column: owner: Role that owns it
-- column: granted_to_users: Users it is granted to directly
-- column: granted_to_roles: Roles it is granted to directly
-- column: created_on: When it was created
SELECT account, role_name, role_type, owner, granted_to_users, granted_to_roles, created_on
FROM roles
WHERE NOT under_sysadmin
    AND NOT (
        role_type = 'ROLE'
        AND role_name IN (
            'ACCOUNTADMIN', 'GLOBALORGADMIN', 'ORGADMIN', 'PUBLIC', 'SECURITYADMIN', 'SYSADMIN', 'USERADMIN'
        )
    )
