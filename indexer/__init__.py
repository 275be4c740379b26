"""Outline notes to an index on disk: read, chunk with ancestor paths, embed, write a generation. Never imports `service`."""

import os

# PyTorch, FAISS and NumPy each bring a pool of threads that by default spins while it waits, and takes the cores from the
# others: a question then takes up to twenty times as long on a busy machine. Read when the first of them is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# The products of a question are small: a second thread for them costs three times what it saves.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
