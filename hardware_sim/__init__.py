"""A farm in bytes: simulated plants, physics, drives, servos and camera."""
