-- What time brings about. For what_for '' it is done again and again, and done_at is when it was done
-- last, null where more of it is left; upto is how far that is. Else it is done once.
create table scheduled_work (
    kind text not null,
    what_for text not null default '',
    done_at timestamptz,
    upto bigint not null default 0,
    primary key (kind, what_for)
);
