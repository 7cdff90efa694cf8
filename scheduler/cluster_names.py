"""What daemon and workers call the same thing, without importing Dask for it."""

#: Every task wants one of these; a worker offers as many as it may do at once.
SLOT = "reconstruction"
