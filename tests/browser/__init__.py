"""Tests of the frontend: a real Home Assistant, operated in a real browser."""
