r"""
Levelling: sub-clusters that stand are loaded alike, epoch by epoch, so that fewer GPUs are enough.

Packing gives a part of a split model the same share all day. Here its copies stay, some are added where
memory is left, and the shares become variables: what is busy in the morning hands traffic to what is busy
at night. An integer program over GPU counts :math:`N_k` and shares :math:`f_{hke}`, with the load
:math:`F_{ke}` of whole models given,

.. math::
    \min \sum_k p_k N_k \quad\text{with}\quad F_{ke} + \sum_h \nu_{hke} f_{hke} \le N_k,\quad
    \sum_k f_{hke} = 1, \quad \sum_{k \text{ of } p} N_k \le A_p .

Need is that of the present count. So only the smallest sub-clusters of each pool may change theirs, which
is where slack gathers that shares can move to them; the result is sized exactly afterwards. Before that
whole models move to where the prices of the program's relaxation say that their hours are quiet.
"""

from planner.solvers.levelling.level import levelled

__all__ = ["levelled"]
