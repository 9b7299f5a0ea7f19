//! The client against a real server on the loopback, scripted answer by answer.
