//! The sandbox's driver protocol, request by request, and with the official connectors.

mod connectors;
mod driver;
mod engine;
