"""
Fleets in which memory is scarce on some GPU types and not on others.

On the first kind, *crowded*, a sub-cluster holds few models, and whole sub-clusters have to be chosen
(column generation). On the others dozens of small models share 64 GPUs, and pouring them together is
near enough: there a model simply has a price. So the crowded part is a problem of its own, in which
each of its models may also leave for what it costs elsewhere.
"""
