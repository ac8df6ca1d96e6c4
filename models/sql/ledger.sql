-- What is booked, and under which day: each document under the day that it bears; and, turned round,
-- each whose bill was made void before it had gone out, since no credit note takes that back. `zone`
-- is that of days. A customer that was merged is the one it was merged into.
create function ledger_entries(zone text)
returns table (bill_id bigint, is_reversal boolean, dated date, number text, facts text,
               customer_id bigint, year int, month int, currency text)
language sql stable as $$
    select b.id, o.is_reversal,
           case when o.is_reversal then (
               select (max(a.created_at) at time zone zone)::date from bill_actions a
               where a.bill_id = b.id and a.action = 'void')
           else coalesce(
               (d.facts::json ->> 'issued_on')::date, (d.created_at at time zone zone)::date) end,
           d.number, d.facts, coalesce(c.merged_into_id, c.id), b.year, b.month, b.currency
    from documents d
    join bills b on b.id = d.bill_id
    join customers c on c.id = b.customer_id
    cross join (values (false), (true)) o (is_reversal)
    where not o.is_reversal or b.status = 'void' and not exists (
        select from bill_actions a where a.bill_id = b.id and a.action = 'deliver')
$$;
