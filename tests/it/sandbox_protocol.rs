//! The sandbox's driver protocol, request by request, and with the official connectors.

mod connectors;
mod driver;
mod engine;
mod faults;
mod limits;
mod logins;
mod progress;
mod results;
