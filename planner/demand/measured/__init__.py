"""
What load alone foretells: forecasts with intervals, of many models at once.

``candidates`` are simple forecasts, each good at something; ``combined`` weighs them by how each did of late;
``conformal`` makes intervals of past errors; ``forecast`` is the door. Decision 19 has what was compared.
"""
