"""The demo: a real Home Assistant, connected to the sandbox bank, with new transactions."""
