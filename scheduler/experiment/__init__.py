"""`trellis experiment`: a whole trial on the simulated farm, from planting to the published tables."""
