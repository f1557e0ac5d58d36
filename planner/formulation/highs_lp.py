"""The arrays in the shape that HiGHS takes."""

from __future__ import annotations

import highspy
import numpy as np

from planner.formulation.builder import Arrays


def highs_lp(arrays: Arrays) -> highspy.HighsLp:
    """Columns, rows, names and integrality; no objective yet."""
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = arrays.column_count, arrays.row_count
    lp.col_cost_ = np.zeros(arrays.column_count)
    lp.col_lower_, lp.col_upper_ = arrays.column_lower, arrays.column_upper
    lp.row_lower_, lp.row_upper_ = arrays.row_lower, arrays.row_upper
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = arrays.row_starts.astype(np.int32)
    lp.a_matrix_.index_ = arrays.indices.astype(np.int32)
    lp.a_matrix_.value_ = arrays.values
    kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
    lp.integrality_ = [kinds[int(integer)] for integer in arrays.column_integer]
    lp.col_names_, lp.row_names_ = list(arrays.column_names), list(arrays.row_names)
    return lp
