//! The real counterparts the tests talk to. Each is started once per test process and dies with it.
