"""Outline notes to an index on disk: read, chunk with ancestor paths, embed, write a generation. Never imports `service`."""

import os

# PyTorch, FAISS and NumPy each bring a pool of threads that by default spins while it waits, and takes the cores from the
# others: a question then takes up to twenty times as long on a busy machine. Read when the first of them is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# The products of a question are small: a second thread for them costs three times what it saves.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# ONNX Runtime reports its runs and a lasting mark of the machine to its makers from 1.29 on, unless this is set before it is
# loaded. Nothing that reads notes may speak to anybody, so this is no default but set whatever was there. The hub's client too
# says which libraries it runs beside.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
