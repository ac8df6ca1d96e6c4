-- The bills of a list that was shown to be approved, each in the version in which it was shown, and
-- what came of it: the approval, or why it was left out.
create table approval_list_bills (
    list_id bigint not null references messages on delete cascade,
    bill_id bigint not null references bills,
    version integer not null,
    action_id bigint references bill_actions,
    left_out text,
    primary key (list_id, bill_id),
    check (action_id is null or left_out is null)
);
create index approval_list_bills_by_bill on approval_list_bills (bill_id);

-- The Home tabs that people look at, drawn anew when what they show has changed.
create table homes (
    user_id bigint primary key references users,
    place jsonb not null default '{}',
    opened_at timestamptz not null default now()
);
