-- What keeps a bill's letter, and whom it has not reached. No row: nothing is amiss.
create table deliveries (
    bill_id bigint primary key references bills,
    trouble text,
    unheard integer not null default 0 check (unheard >= 0),
    next_at timestamptz,
    missing jsonb not null default '[]'
);

-- No letter goes out while there is a row, of which there is at most one.
create table mail_pause (
    id smallint primary key default 1 check (id = 1),
    cause text not null,
    needs_somebody boolean not null,
    tries integer not null check (tries >= 0),
    since timestamptz not null,
    tried_at timestamptz not null,
    until timestamptz not null
);
