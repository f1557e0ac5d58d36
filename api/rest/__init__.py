"""The REST door: FastAPI under /v1, thin endpoints over ``planner.service``."""
