"""The demo fleet: real processes that read the standard library and tell Telltale about it."""
