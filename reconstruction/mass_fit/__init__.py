"""Mass models fitted to a table of weighed plants: strict tables, a robust process, honest intervals."""
