//! Graphs of small environments.
