-- A report that a bill's letter did not arrive is an action of its own, which moves nothing.
alter table bill_actions drop constraint bill_actions_action_check;
alter table bill_actions add constraint bill_actions_action_check check (action in (
    'generate', 'hold', 'release', 'approve', 'reject', 'auto_approve',
    'comment', 'comment_edit', 'comment_delete', 'undo', 'revise', 'invalidate', 'send',
    'issue', 'deliver', 'send_failed', 'bounce', 'void', 'reissue', 'remind', 'escalate',
    'reassign'));

-- How far the mailbox is read that answers to letters come to.
create table mailbox_readings (
    mailbox text primary key,
    uid_validity bigint not null default 0,
    uid bigint not null default 0,
    next_at timestamptz not null,
    read_at timestamptz,
    trouble text,
    needs_somebody boolean not null default false,
    tries integer not null default 0 check (tries >= 0),
    since timestamptz
);

-- The mails that became actions, each once, in whichever mailbox it is found.
create table received_mails (
    name text primary key,
    bill_id bigint not null references bills,
    received_at timestamptz not null
);
create index received_mails_bill on received_mails (bill_id);
