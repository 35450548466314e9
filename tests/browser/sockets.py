"""Connections between the processes of a browser test."""

import pytest_socket


def allow_local_connections() -> None:
    """Allow connections on this machine, which Home Assistant's test helpers block."""
    pytest_socket.enable_socket()
    pytest_socket.socket_allow_hosts(["127.0.0.1", "::1"])
