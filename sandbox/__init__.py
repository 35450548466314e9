"""A bank that behaves like Monzo: for tests, for the demo, for trying things without money."""
