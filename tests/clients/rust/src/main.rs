//! tokio-postgres and sqlx: statements, parameters, types they look up, portals, pipelines, transactions, COPY, pools.
//! usage: steps tokio-postgres|sqlx URL

mod native;
mod pooled;
mod report;
mod statements;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments[1].as_str() {
        "tokio-postgres" => native::steps(&arguments[2]).await,
        "sqlx" => pooled::steps(&arguments[2]).await,
        other => panic!("no steps of {other}"),
    }
}
