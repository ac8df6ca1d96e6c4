-- What was found about the usage of a month while it ran, each once, and the message that tells it.
create table usage_alerts (
    id bigint generated always as identity primary key,
    customer_id bigint not null references customers,
    year integer not null,
    month integer not null,
    kind text not null check (kind in ('75', '90', '100', '120', 'forecast', 'spike', 'drop')),
    message_id bigint references messages on delete set null,
    created_at timestamptz not null default now(),
    unique (customer_id, year, month, kind)
);
create index usage_alerts_by_message on usage_alerts (message_id);
create index usage_alerts_untold on usage_alerts (year, month) where message_id is null;

alter table customers add column alerts_muted boolean not null default false;
