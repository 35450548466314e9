"""Tests of the integration, against the sandbox bank over real HTTP."""
