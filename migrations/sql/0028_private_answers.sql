-- Answers to whoever sent bills that Slack lets us correct: by their address, for a while.
create table private_answers (
    id bigint generated always as identity primary key,
    user_id bigint not null references users,
    response_url text not null,
    list_id bigint references messages,
    bill_id bigint references bills,
    has_card boolean not null default false,
    shown text not null,
    uses_left integer not null check (uses_left >= 0),
    expires_at timestamptz not null,
    check (num_nonnulls(list_id, bill_id) = 1)
);
