"""A stand-in for Monzo, for tests, the demo and the benchmark."""
