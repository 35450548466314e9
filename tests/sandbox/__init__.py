"""Tests of the bank that the other tests rely on."""
