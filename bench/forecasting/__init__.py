"""How well measured forecasts do: rolling-origin back-tests on real load."""
