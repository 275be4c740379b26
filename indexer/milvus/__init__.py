"""Milvus as the engine behind many services: what a generation says is published there, and asked there.

A generation in the index folder stays what is built, since it is what makes that nothing is embedded twice. Publishing
(`publish`) brings two Milvus collections up to date with it: one has a record for each chunk, by the id of its node, with
all that a question needs of it (`records`); the other small pages named by what they hold (`pages`): how the nodes of a
file stand to each other, how many chunks have a word, and the head, which names all other pages and is replaced in one
step. Whoever reads (`opened`) holds one head to the end of a question. `import pymilvus` happens in `connection` alone,
when it is first needed.
"""
