"""A folder of photographs in; model, traits and mass out."""
