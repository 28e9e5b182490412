//! The whole of it: the program in its own process, asked as its users ask.

mod audit;
mod chains;
mod connectors;
mod coverage;
mod exports;
mod files;
mod login;
mod manual;
mod matrix;
mod psql;
mod reach;
mod setup;
mod swaps;
mod worlds;
mod writers;
mod wrong_input;
