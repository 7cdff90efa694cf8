"""How plants grow over days: smoothing with errors, forecasts, what is wrong, and trials of treatments."""
