"""The database: tables, repositories and the unit of work. SQLAlchemy lives in this room only."""
