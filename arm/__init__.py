"""The arm of four joints that carries the camera: model, kinematics, targets to poses, servo driver."""
