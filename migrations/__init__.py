"""Database migrations (Alembic); run by ``fermata db upgrade``."""
