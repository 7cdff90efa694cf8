"""Cables, arm and camera as one robot: viewpoints, plan and capture."""
