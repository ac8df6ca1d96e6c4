-- Letters go out at a set pace, shared by all workers: when the next one may.
create table mail_pace (
    id smallint primary key default 1 check (id = 1),
    next_at timestamptz not null
);
