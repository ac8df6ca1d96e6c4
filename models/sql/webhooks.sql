-- What happens to bills, told to whoever asked for it.

-- The event that an action is, which moves its bill or does not. Each verb is one; an approval that
-- does not suffice by itself is another one than the one that does.
create function bill_event(action text, moves boolean) returns text
language sql immutable parallel safe as $$
    select case action
        when 'generate' then 'bill.generated'
        when 'reissue' then 'bill.reissued'
        when 'hold' then 'bill.held'
        when 'release' then 'bill.released'
        when 'approve' then case when moves then 'bill.approved' else 'bill.partly_approved' end
        when 'auto_approve' then 'bill.approved'
        when 'reject' then 'bill.rejected'
        when 'comment' then 'bill.commented'
        when 'comment_edit' then 'bill.comment_edited'
        when 'comment_delete' then 'bill.comment_deleted'
        when 'undo' then 'bill.undone'
        when 'revise' then 'bill.revised'
        when 'invalidate' then 'bill.invalidated'
        when 'send' then 'bill.sending'
        when 'issue' then 'bill.issued'
        when 'deliver' then 'bill.sent'
        when 'send_failed' then 'bill.send_failed'
        when 'bounce' then 'bill.bounced'
        when 'void' then 'bill.voided'
        when 'reassign' then 'bill.reassigned'
        when 'remind' then 'bill.reminded'
        when 'escalate' then 'bill.escalated'
    end
$$;

-- Whoever asked for such an event is promised it in the transaction of the action, however many
-- actions there are, and a worker is sent for. Nothing is looked up where nobody asked for anything.
create or replace function promise_events() returns trigger language plpgsql as $$
declare
    jobs bigint[];
begin
    if not exists (select from webhooks where state <> 'deleted') then
        return null;
    end if;
    with promised as (
        insert into webhook_deliveries
            (webhook_id, event, action_id, bill_id, next_attempt_at, created_at)
        select w.id, e.event, a.id, a.bill_id, a.created_at, a.created_at
        from added a
        cross join lateral (select bill_event(a.action, a.snapshot ? 'before') as event) e
        join webhooks w on w.state <> 'deleted' and e.event = any(w.events)
        order by a.id, w.id
        returning webhook_id
    )
    select procrastinate_defer_jobs_v1(array(
        select row('webhooks', 'send_webhook', 0, 'webhook:' || id, null,
                   jsonb_build_object('webhook_id', id), null)::procrastinate_job_to_defer_v1
        from webhooks where state = 'active' and id in (select webhook_id from promised)))
    into jobs;
    return null;
end $$;
