SELECT count(*) AS gaps
FROM coverage
WHERE affects IS NOT NULL
  AND ('' IN ($account) OR account IN ($account))
