"""The database: how it is reached, opened, locked and migrated."""
