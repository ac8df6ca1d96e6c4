-- Where usage is asked for by SQL. Secrets are in neither address nor arguments, only the names of
-- settings that hold them.
create table usage_sources (
    id bigint generated always as identity primary key,
    name text not null,
    name_key text collate "C" not null generated always as (name_key(name)) stored,
    url text not null,
    query text not null,
    connect_args jsonb not null default '{}',
    created_by bigint not null references users,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    switched_off_at timestamptz
);
create unique index usage_sources_by_name on usage_sources (name_key) where name_key <> '';

-- Each time that a source was asked, and what came of it.
create table usage_pulls (
    id bigint generated always as identity primary key,
    source_id bigint not null references usage_sources,
    year integer not null check (year between 2000 and 2200),
    month integer not null check (month between 1 and 12),
    query_hash text not null,
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    engine text not null,
    engine_version text,
    rows bigint,
    total numeric,
    checksum text,
    duration_ms bigint not null,
    started_at timestamptz not null,
    pulled_by bigint not null references users,
    source text not null check (source in ('slack', 'web', 'api', 'cli', 'clock')),
    outcome text not null check (
        outcome in ('applied', 'unchanged', 'refused', 'failed', 'held', 'checked')),
    reason text,
    counts jsonb not null default '{}',
    found jsonb not null default '{}'
);
create index usage_pulls_of_source on usage_pulls (source_id, year, month, id);

-- Where each figure as it stands came from; where nothing says from where, it was recorded before that was kept.
alter table usages
    add column recorded_by bigint references users,
    add column recorded_at timestamptz,
    add column recorded_from text
        check (recorded_from in ('slack', 'web', 'api', 'cli', 'clock')),
    add column recorded_reason text,
    add column recorded_file text,
    add column pull_id bigint references usage_pulls;
alter table usage_changes
    add column file_name text,
    add column pull_id bigint references usage_pulls;

update usages u
set recorded_by = h.changed_by, recorded_at = h.changed_at, recorded_from = h.source,
    recorded_reason = h.reason
from (select distinct on (usage_id) * from usage_changes order by usage_id, id desc) h
where h.usage_id = u.id;

-- The days of a month where its source tells them; together they are the month's figure.
create table usage_days (
    customer_id bigint not null references customers,
    day date not null check (day between '2000-01-01' and '2200-12-31'),
    api_usage bigint not null check (api_usage >= 0),
    primary key (customer_id, day)
);

create function drop_days_of_other_figures() returns trigger language plpgsql as $$
begin
    return null;
end $$;

create function refuse_days_of_other_figures() returns trigger language plpgsql as $$
begin
    return null;
end $$;

create trigger drop_days_of_other_figures after update on usages
    referencing new table as written
    for each statement execute function drop_days_of_other_figures();
create trigger refuse_new_days after insert on usage_days
    referencing new table as written
    for each statement execute function refuse_days_of_other_figures();
create trigger refuse_changed_days after update on usage_days
    referencing new table as written
    for each statement execute function refuse_days_of_other_figures();
create trigger refuse_fewer_days after delete on usage_days
    referencing old table as written
    for each statement execute function refuse_days_of_other_figures();
alter table usages enable always trigger drop_days_of_other_figures;
alter table usage_days enable always trigger refuse_new_days;
alter table usage_days enable always trigger refuse_changed_days;
alter table usage_days enable always trigger refuse_fewer_days;
