select * from {{ source('grantd', 'users') }} where disabled
