"""How well questions are answered: on question sets, and on questions made of the user's own notes."""
