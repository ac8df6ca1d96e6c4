-- The bills of a list that was shown to be sent, each in the version in which it was shown.
create table send_list_bills (
    list_id bigint not null references messages,
    bill_id bigint not null references bills,
    version integer not null,
    primary key (list_id, bill_id)
);

insert into send_list_bills (list_id, bill_id, version)
select m.id, (pair ->> 0)::bigint, (pair ->> 1)::integer
from messages m cross join lateral jsonb_array_elements(m.facts -> 'bills') pair
where m.kind = 'sending'
on conflict do nothing;
update messages
set facts = facts - 'bills' || jsonb_build_object('count', jsonb_array_length(facts -> 'bills'))
where kind = 'sending' and facts ? 'bills';
update messages m
set facts = facts || jsonb_build_object('sent', (
    select count(*) from send_list_bills l join bill_actions a
        on a.bill_id = l.bill_id and a.action = 'send' and a.bill_version = l.version + 1
    where l.list_id = m.id))
where kind = 'sending' and facts ? 'begun';
