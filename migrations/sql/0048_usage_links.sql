-- Links by which whoever got a document sees how it came about, without an account.
create table usage_links (
    id bigint generated always as identity primary key,
    bill_id bigint not null references bills,
    token_hash bytea not null unique,
    made_by bigint not null references users,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    revoked_by bigint references users,
    revoked_at timestamptz,
    check ((revoked_by is null) = (revoked_at is null))
);
create index usage_links_by_bill on usage_links (bill_id);

alter table access_attempts
    drop constraint access_attempts_kind_check,
    add constraint access_attempts_kind_check
        check (kind in ('sign_in', 'sign_up', 'link_visit', 'link_question'));
