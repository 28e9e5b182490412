SELECT count(DISTINCT object) AS objects
FROM effective_privileges
WHERE source = 'public' AND usable AND object_type NOT IN ('DATABASE', 'SCHEMA')
  AND ('' IN ($account) OR account IN ($account))
  AND ('' IN ($database) OR object_database IN ($database))
  AND ('' IN ($privilege) OR privilege IN ($privilege))
  AND object ILIKE '%$object%'
