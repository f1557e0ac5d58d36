"""The study that the planner's capacity model is fitted to: draw sub-clusters, simulate, fit, report."""
