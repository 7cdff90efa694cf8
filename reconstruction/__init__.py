"""A folder of photographs in; model, traits and mass out."""

import os

# Numba's first choice, TBB, is too old for it on Debian 12, and it warns at every start.
os.environ.setdefault("NUMBA_THREADING_LAYER_PRIORITY", "omp tbb workqueue")
