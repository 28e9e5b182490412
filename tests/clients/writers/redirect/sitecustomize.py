"""Sends every connection of the official connector to the server that SNOWFLAKE_TEST_URL names."""

import os
from urllib.parse import urlsplit

import snowflake.connector.connection as connection

_URL = urlsplit(os.environ["SNOWFLAKE_TEST_URL"])
_init = connection.SnowflakeConnection.__init__


def _redirected(self, *args, **kwargs):
    kwargs.update(host=_URL.hostname, port=_URL.port, protocol=_URL.scheme)
    _init(self, *args, **kwargs)


connection.SnowflakeConnection.__init__ = _redirected
