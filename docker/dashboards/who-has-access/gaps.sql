SELECT count(*) AS gaps
FROM coverage
WHERE affects IS NOT NULL
  AND ('' IN ($account) OR account IN ($account))
  AND ('' IN ($database) OR object_database IS NULL OR object_database IN ($database))
