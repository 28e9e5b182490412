-- Roles that no user ends up with, by any path: whatever is granted to them, nobody has.
--
-- All roles of a user count, whatever the session's grantd.roles. PUBLIC is never among them.
-- column: account: Account, by the name it has in grantd
-- column: role_name: Name; database and application roles by their full name: DB.READER
-- column: role_type: ROLE, DATABASE_ROLE, APPLICATION_ROLE or INSTANCE_ROLE
-- column: owner: Role that owns it
-- column: granted_to_roles: Roles it is granted to directly, which no user has either
-- column: granted_roles: Roles granted to it directly
-- column: created_on: When it was created
SELECT account, role_name, role_type, owner, granted_to_roles, granted_roles, created_on
FROM roles
WHERE effective_users = 0
    AND NOT (role_type = 'ROLE' AND role_name = 'PUBLIC')
