"""Conversation over an opened index: what a follow-up means, the answer as quotations or by a language model whose every
citation is checked, and links that survive edits. No Flask in here.
"""
