"""Tests of the blueprints: Home Assistant runs each file against the sandbox bank."""
