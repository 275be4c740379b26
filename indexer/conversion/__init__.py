"""A sentence-transformers model into a graph for ONNX Runtime, once: exported, made smaller, and held against the original.

Runs as a process of its own (`python -m indexer.conversion`), so that PyTorch's memory goes when the work is done.
"""
