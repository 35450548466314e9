"""Tests of the blueprints: each one's own file, run by Home Assistant against the sandbox."""
