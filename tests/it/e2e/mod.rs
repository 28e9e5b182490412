//! The whole of it: the program in its own process, asked as its users ask.

mod chains;
mod connectors;
mod coverage;
mod exports;
mod login;
mod manual;
mod matrix;
mod psql;
mod setup;
mod worlds;
mod writers;
mod wrong_input;
