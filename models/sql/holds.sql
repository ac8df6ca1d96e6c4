-- Why a bill is held, and which the customer's own rule approves.

-- What a month was billed in the end: its bill, with the corrections of it that stand.
create function standing_amount(b bills) returns numeric language sql stable as $$
    select case when b.status = 'void' then 0
                else b.overage_amount + coalesce((
                    select sum(c.overage_amount) from bills c
                    where c.adjusts_id = b.id and c.status not in ('rejected', 'void')), 0)
           end
$$;

-- What the customer was billed in this currency for the last month before that has a bill: a bill is
-- held for a jump beside that, and no rule of the customer approves one.
create function billed_last(
    customer bigint, in_currency text, of_year integer, of_month integer)
returns table (amount numeric) language sql stable rows 1 as $$
    select standing_amount(bills) from bills
    where customer_id = customer and currency = in_currency
      and kind = 'overage' and status <> 'void' and (year, month) < (of_year, of_month)
    order by year desc, month desc limit 1
$$;

-- More than so many times as much as before is a jump; there is nothing to compare with nothing.
-- Without a factor nothing is one.
create function is_jump(amount numeric, previous numeric, factor numeric) returns boolean
language sql immutable parallel safe as $$
    select coalesce(previous > 0 and amount > previous * factor, false)
$$;

-- What is a jump where the company has no factor of its own, by which it holds them.
create function usual_jump_factor() returns numeric language sql immutable parallel safe as $$
    select 3.0
$$;

-- Whether an overage is flagged as a jump, on its card and wherever a month is foreseen or told of,
-- held or not: beside what was billed last or, for a customer who has not been billed, beside what the
-- month before comes to. It is put in place of its call wherever it is joined, so that a whole month
-- is one plan.
create function jump_flag(
    customer bigint, in_currency text, of_year integer, of_month integer, of_amount numeric)
returns table (jumps boolean) language sql stable rows 1 as $$
    select is_jump(of_amount, coalesce(billed.amount, used.overage_amount), usual_jump_factor())
    from (select make_date(of_year, of_month, 1) - interval '1 month' as first_day) m
    left join lateral billed_last(customer, in_currency, of_year, of_month) billed on true
    left join lateral (
        select o.overage_amount
        from overage_of(
            customer, extract(year from m.first_day)::int, extract(month from m.first_day)::int) o
        where o.currency = in_currency and billed.amount is null
        offset 0) used on true
$$;

-- The same of a bill; a correction is no jump.
create function jump_flag_of(b bills)
returns table (jumps boolean) language sql stable rows 1 as $$
    select b.kind = 'overage' and f.jumps
    from jump_flag(b.customer_id, b.currency, b.year, b.month, b.overage_amount) f
$$;

-- The first cause for which an overage's bill is held, if any.
create function hold_reason(
    unit_cost numeric, active_days integer, has_no_approver boolean,
    amount numeric, billed_last numeric, jump_factor numeric)
returns text language sql immutable parallel safe as $$
    select case when unit_cost is null then 'no_price'
                when active_days = 0 then 'outside_contract'
                when has_no_approver then 'no_approver'
                when is_jump(amount, billed_last, jump_factor) then 'jump' end
$$;

-- Whether the customer's own rule approves an amount, whatever its sign; none in another currency
-- than that of the rule.
create function passes_auto_approval(
    r approval_rules, amount numeric, currency text, jumps boolean)
returns boolean language sql immutable parallel safe as $$
    select currency = r.rules_currency
       and coalesce(abs(amount) < r.auto_approve_below, false)
       and not exceeds_second_approval(r, amount, currency)
       and not jumps
$$;

-- The same of a correction, which is no jump. Where Finance agreed on the units of its month, people
-- decide.
create function passes_correction(
    r approval_rules, amount numeric, currency text, waived_units bigint)
returns boolean language sql immutable parallel safe as $$
    select waived_units is null and passes_auto_approval(r, amount, currency, false)
$$;

-- The causes in spite of which Finance let a bill go: for none of them is it held again.
create view overruled_causes as
select bill_id, snapshot -> 'before' ->> 'hold_reason' as cause
from bill_actions where action in ('release', 'revise');

-- Pending bills that nobody can decide any more.
create view stranded_bills as
select b.id
from bills b
cross join lateral approval_rules_of_bill(b.id, b.customer_id) r
cross join lateral needed_approvals(r, b.overage_amount, b.currency) n
where n.has_no_approver and b.status = 'pending'
  and not exists (
      select from overruled_causes o where o.bill_id = b.id and o.cause = 'no_approver');
