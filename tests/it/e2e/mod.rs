//! The whole of it: the program in its own process, asked as its users ask.

mod chains;
mod connectors;
mod exports;
mod manual;
mod matrix;
mod psql;
mod worlds;
mod wrong_input;
