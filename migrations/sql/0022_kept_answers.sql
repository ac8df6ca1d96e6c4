-- What was answered to requests that came with a key of their own; null while that is not known.
create table kept_answers (
    user_id bigint not null references users,
    key text not null,
    request bytea not null,
    status integer,
    headers jsonb,
    body bytea,
    created_at timestamptz not null,
    primary key (user_id, key)
);
create index on kept_answers (created_at);
