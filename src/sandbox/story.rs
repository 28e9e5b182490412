//! What happens to the demo account after its first state was accepted: changes made by hand, in a few acts, so that
//! there is drift, and something for every finding.

/// The acts, in their order: Snowflake SQL, each to be run as ACCOUNTADMIN on the demo account.
pub const ACTS: [&str; 3] =
    [include_str!("story/1-project.sql"), include_str!("story/2-fix.sql"), include_str!("story/3-night.sql")];

#[cfg(test)]
mod tests {
    use super::super::demo::DEMO;
    use super::super::engine::SandboxEngine;
    use super::ACTS;

    #[test]
    fn every_act_can_be_played_once_on_the_demo_account() {
        let engine = SandboxEngine::new("SANDBOX");
        engine.run_script(DEMO).unwrap();
        for (number, act) in ACTS.iter().enumerate() {
            engine.run_script(act).unwrap_or_else(|failure| panic!("act {}: {failure}", number + 1));
        }
        engine.run_script(ACTS[0]).unwrap_err();
    }
}
