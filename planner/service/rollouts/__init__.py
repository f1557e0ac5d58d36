"""From the plan before to the active one, wave by wave, as nodes confirm each."""
