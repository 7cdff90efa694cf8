"""The floor of the house: poses, clock, configuration, errors, folders and the one command."""
