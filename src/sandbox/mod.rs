//! A small Snowflake for demos and tests, over HTTP.
