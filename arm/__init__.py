"""The 4-DoF arm that carries the camera: kinematics and its servo bus."""
