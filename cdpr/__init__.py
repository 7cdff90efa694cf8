"""The planar cable-driven parallel robot: geometry, statics, motion and its winch drives."""
