//! Rules of access control that show in what statements do: who may grant, what happens to grants, what templates become.
//! Each test is one rule, shown by the sandbox; `page` looks that `docs/rules.md` names tests that there are.

mod granting;
mod ownership;
mod page;
mod platform;
mod roles;
mod templates;
