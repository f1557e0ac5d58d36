"""Answers about plans and problems: what clashes, what would help, what binds, what each rule costs."""
