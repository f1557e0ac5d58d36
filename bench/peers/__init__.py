"""Fermata beside what people would use instead: the same emulated GPUs, the same open-loop client."""
