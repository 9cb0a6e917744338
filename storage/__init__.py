"""What is kept: models, migrations and the store, on SQLite or PostgreSQL."""
