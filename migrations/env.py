"""Runs migrations on the connection that `models.db.migrate.migrate` hands over."""

from alembic import context

from models.db.columns import Base

attributes = context.config.attributes
context.configure(
    connection=attributes["connection"],
    target_metadata=Base.metadata,
    on_version_apply=lambda step, **_: attributes["applied"].append(step.up_revision_id),
)
with context.begin_transaction():
    context.run_migrations()
