select user_name, type from {{ source('grantd', 'users') }}
