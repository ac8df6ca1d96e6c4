-- Whom Finance asks for a slot of one bill, in the place of whoever its customer names.
create table reassignments (
    bill_id bigint not null references bills,
    slot text not null check (slot in ('csm', 'sales', 'any')),
    user_id bigint not null references users,
    primary key (bill_id, slot)
);
create index reassignments_user on reassignments (user_id);
