-- In whose hours somebody is reminded, and what is asked of a bill's record for that.
alter table users add column slack_zone text, add column slack_zone_read_at timestamptz;
create index bill_actions_reminders on bill_actions (bill_id, created_at)
    where action in ('remind', 'escalate');
