-- Tables and columns of ours get the names of their trade. Views and functions leave the history of
-- revisions: their current text stands in models/sql, and is applied after the revisions.

drop function trends, taken_now(bigint), desks_of;
drop view late_bills, outdated_bills;
drop function taken_now(bills), billed, judged, overage_of;
drop view desks;
drop function customer_desk, desk;
drop view customer_desks, overages;
drop function terms_in_force, bill_action_hash, bill_figures;

alter table postings rename to messages;
alter table messages rename column place to recipient;
alter table messages rename column shown_actions to drawn_actions;
alter table messages rename column sending_since to claimed_at;
alter sequence postings_id_seq rename to messages_id_seq;
alter table messages rename constraint postings_pkey to messages_pkey;
alter table messages rename constraint postings_key_key to messages_key_key;
alter table messages rename constraint postings_channel_ts_key to messages_channel_ts_key;
alter table messages rename constraint postings_bill_id_fkey to messages_bill_id_fkey;
alter table messages rename constraint postings_state_check to messages_state_check;
alter index postings_open rename to messages_open;
alter index postings_bill rename to messages_bill;
alter index postings_given_up rename to messages_given_up;

alter table runs rename to bill_runs;
alter table bill_runs rename column asked_as to request_key;
alter sequence runs_id_seq rename to bill_runs_id_seq;
alter table bill_runs rename constraint runs_pkey to bill_runs_pkey;
alter table bill_runs rename constraint runs_asked_as_key to bill_runs_request_key_key;
alter table bill_runs rename constraint runs_customer_id_fkey to bill_runs_customer_id_fkey;
alter table bill_runs rename constraint runs_user_id_fkey to bill_runs_user_id_fkey;

alter table approvals rename column part to slot;
alter table approvals rename constraint approvals_part_check to approvals_slot_check;

-- Jobs that wait are calls of today's tasks by today's names.
update procrastinate_jobs
set args = args - 'place' || jsonb_build_object('recipient', args -> 'place'),
    lock = replace(lock, 'place:', 'recipient:')
where args ? 'place';
update procrastinate_jobs
set args = args - 'posting_id' || jsonb_build_object('message_id', args -> 'posting_id')
where args ? 'posting_id';
