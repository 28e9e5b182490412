SELECT account, grantee, granted_to, privilege, object_type, object, implied_by, via_role, parallel_grantors, granted_by,
    created_on
FROM redundant_grants
WHERE TRUE
  AND ('' IN ($account) OR account IN ($account))
  AND ('' IN ($role) OR grantee IN ($role))
ORDER BY grantee, object, privilege, granted_by
LIMIT 1000
