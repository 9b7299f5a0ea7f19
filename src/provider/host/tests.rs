//! What is particular to hosts; what every kind promises is in the conformance suite.
