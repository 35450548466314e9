"""The benchmark: compares this integration with the one built into Home Assistant."""
