"""
The factors of ``usable_share``. Written by ``python -m bench.capacity_model --refit``; not by hand.

Unit: none. Source: 2,000 simulated sub-clusters (bench/capacity_model/study.csv), two thirds of them
fitted at the quantile 0.8; residuals in docs/studies/capacity-model.md.
"""

LINEAR = 0.623
QUADRATIC = 8.191
