"""What people see and click in a real Home Assistant, in a real browser."""
