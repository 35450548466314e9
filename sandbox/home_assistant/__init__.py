"""Runs and controls a real Home Assistant that uses the sandbox bank."""
