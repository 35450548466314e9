"""Tests of insight: comparisons with the past, and unusual amounts."""
