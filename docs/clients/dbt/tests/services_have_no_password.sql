-- What a program logs in with is a key.
select account, user_name
from {{ source('grantd', 'users') }}
where type = 'SERVICE'
  and has_password
