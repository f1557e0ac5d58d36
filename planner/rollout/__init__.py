"""From the running plan to the next one: waves of loads, unloads and switches that keep serving."""
