//! Environments as people write them, with the mistakes they make.
