-- Numbers are taken by `issue`, in order and without gaps: its row is the lock of a series.
-- Invoices and adjustments share one series, credit notes have their own, anew every year.
create table number_series (
    kind text not null check (kind in ('invoice', 'credit')),
    year integer not null,
    last integer not null check (last >= 1),
    primary key (kind, year)
);

-- What was issued, just as it goes out.
create table documents (
    bill_id bigint primary key references bills,
    number text not null unique,
    media_type text not null,
    content bytea not null,
    sha256 text not null generated always as (encode(sha256(content), 'hex')) stored,
    created_at timestamptz not null
);
create trigger append_only before update or delete or truncate on documents
    for each statement execute function refuse_change();
alter table documents enable always trigger append_only;

-- Of a correction: what had been billed for its month when its figures were taken.
alter table bills add column billed_so_far numeric;

create index bills_adjusts on bills (adjusts_id) where adjusts_id is not null;
create index bills_replaces on bills (replaces_id) where replaces_id is not null;
create index bills_unissued on bills (id)
    where number is null and status in ('held', 'pending', 'approved', 'sending');
create index bills_sending on bills (id) where status = 'sending';
-- A month that has gone out has one proposal to correct it at a time, decided or not.
create unique index bills_open_proposal_key on bills (adjusts_id)
    where kind <> 'overage' and number is null and status <> 'void';

create or replace function bill_figures(b bills) returns jsonb language sql immutable as $$
    select jsonb_build_object(
        'customer_id', b.customer_id, 'year', b.year, 'month', b.month, 'kind', b.kind,
        'currency', b.currency, 'number', b.number, 'status', b.status,
        'hold_reason', b.hold_reason, 'api_usage', b.api_usage,
        'monthly_api_limit', b.monthly_api_limit, 'overage_units', b.overage_units,
        'overage_unit_cost', b.overage_unit_cost::text, 'overage_amount', b.overage_amount::text,
        'replaces_id', b.replaces_id, 'adjusts_id', b.adjusts_id,
        'billed_so_far', b.billed_so_far::text)
$$;

alter table users add constraint nobody_is_their_own_delegate check (delegate_id <> id);
alter table users add constraint a_delegate_only_while_away check (
    delegate_id is null or away_until is not null);

-- Who is named for a customer's bills, and the customer's own rules. Somebody named who is inactive,
-- or has another role by now, counts as nobody. A stand-in is the delegate of somebody named who is
-- away. `csm_there`, `sales_there`: whether the role has anybody at all.
drop view desks;
create view customer_desks as
select c.id as customer_id, csm.id as csm_id, sales.id as sales_id,
       (select s.id from users s
        where s.id = csm.delegate_id and csm.away_until is not null
          and s.active and s.role in ('Customer Success', 'Sales')) as csm_stand_in_id,
       (select s.id from users s
        where s.id = sales.delegate_id and sales.away_until is not null
          and s.active and s.role in ('Customer Success', 'Sales')) as sales_stand_in_id,
       c.require_csm_approval, c.require_sales_approval,
       c.auto_approve_below, c.second_approval_above,
       c.csm_id is not null and csm.id is null as csm_gone,
       c.sales_id is not null and sales.id is null as sales_gone,
       exists (select from users where active and role = 'Customer Success') as csm_there,
       exists (select from users where active and role = 'Sales') as sales_there
from customers c
left join users csm on csm.id = c.csm_id and csm.active and csm.role = 'Customer Success'
left join users sales on sales.id = c.sales_id and sales.active and sales.role = 'Sales';

-- Whose word a bill of this amount needs, and on whose desk it lands. A part without a person is
-- anybody's of its role. Above `second_approval_above` both parts are needed. `undecidable`: a
-- needed person is gone, or nobody at all has the role.
create function desk(d customer_desks, amount numeric)
returns table (needs_csm boolean, needs_sales boolean, asks_csm boolean, asks_sales boolean,
               undecidable boolean)
language sql stable as $$
    select n.csm, n.sales,
           n.csm or f.free and (d.csm_id is not null or d.sales_id is null and d.csm_there),
           n.sales or f.free and d.csm_id is null and (d.sales_id is not null or not d.csm_there),
           n.csm and (d.csm_gone or not d.csm_there)
           or n.sales and (d.sales_gone or not d.sales_there)
           or f.free and not d.csm_there and not d.sales_there
    from (select coalesce(abs(amount) > d.second_approval_above, false) as both_needed) s
    cross join lateral (
        select d.require_csm_approval or s.both_needed as csm,
               d.require_sales_approval or s.both_needed as sales) n
    cross join lateral (select not n.csm and not n.sales as free) f
$$;

-- A customer's row of it, looked up by its key wherever it is asked for. Without `offset 0` the
-- view would be joined as a whole, for each bill anew where a table has no statistics yet.
create function customer_desk(customer bigint)
returns setof customer_desks rows 1 language sql stable as $$
    select * from customer_desks where customer_id = customer offset 0
$$;

create view desks as
select b.id as bill_id, d.csm_id, d.sales_id, d.csm_stand_in_id, d.sales_stand_in_id, w.*
from bills b
cross join lateral customer_desk(b.customer_id) d
cross join lateral desk(d, b.overage_amount) w;

-- A month's row of `overages`, in the same way.
create function overage_of(customer bigint, of_year integer, of_month integer)
returns setof overages rows 1 language sql stable as $$
    select * from overages
    where customer_id = customer and year = of_year and month = of_month
    offset 0
$$;

-- What an overage comes to: the first cause for which its bill is held, and whether the customer's
-- own rule approves it. Without a factor that holds jumps, three times as much is one for the rule.
create function judged(o overages, d customer_desks, jump_factor numeric)
returns table (hold_reason text, passes boolean)
language sql stable as $$
    select case
               when o.overage_unit_cost is null then 'no_price'
               when o.active_days = 0 then 'outside_contract'
               when w.undecidable then 'no_approver'
               when last.amount > 0 and o.overage_amount > last.amount * jump_factor then 'jump'
           end,
           coalesce(o.overage_amount < d.auto_approve_below, false)
           and not coalesce(o.overage_amount > d.second_approval_above, false)
           and not coalesce(last.amount > 0
                            and o.overage_amount > last.amount * coalesce(jump_factor, 3), false)
    from desk(d, o.overage_amount) w
    left join lateral (
        select b.overage_amount as amount from bills b
        where (jump_factor is not null or d.auto_approve_below is not null)
          and b.customer_id = o.customer_id and b.currency = o.currency
          and b.kind = 'overage' and b.status <> 'void'
          and (b.year, b.month) < (o.year, o.month)
        order by b.year desc, b.month desc limit 1) last on true
$$;

-- What a bill and its adjustments and credits have billed so far: what has its number, what went
-- out before it was made void, and the credit for that, which nobody can stop.
create function billed(root bigint) returns table (units bigint, amount numeric)
language sql stable as $$
    select coalesce(sum(m.overage_units), 0)::bigint, coalesce(sum(m.overage_amount), 0)
    from bills m
    where m.id in (
        select root
        union all select id from bills where adjusts_id = root
        union all select credit.id from bills part join bills credit on credit.adjusts_id = part.id
                  where part.adjusts_id = root)
      and case
          when m.status = 'void' then exists (
              select from bill_actions a where a.bill_id = m.id and a.action = 'deliver')
          else m.number is not null or exists (
              select from bills p where p.id = m.adjusts_id and p.status = 'void') end
$$;

-- What a bill's figures would be if they were taken now. A correction is what its month comes to,
-- less what is billed so far, in the currency that it was billed in: the terms are of that time.
create function taken_now(b bills)
returns table (api_usage bigint, monthly_api_limit bigint, overage_units bigint,
               overage_unit_cost numeric, overage_amount numeric, currency text,
               billed_so_far numeric)
language sql stable as $$
    select o.api_usage, o.monthly_api_limit, (o.overage_units - s.units)::bigint,
           o.overage_unit_cost,
           case when b.adjusts_id is null then o.overage_amount
                else round(o.overage_units * o.overage_unit_cost, c.minor_units) - s.amount end,
           case when b.adjusts_id is null then o.currency else b.currency end,
           case when b.adjusts_id is not null then s.amount end
    from overage_of(b.customer_id, b.year, b.month) o
    join currencies c on c.code = b.currency
    cross join lateral billed(b.adjusts_id) s
$$;

-- Bills that do not rest on the figures of now. What has its number keeps them, and so does what
-- takes back a void bill.
create view outdated_bills as
select b.id, b.adjusts_id, b.status
from bills b cross join lateral taken_now(b) t
where b.number is null and b.status <> 'void'
  and (b.api_usage, b.monthly_api_limit, b.overage_unit_cost, b.currency, b.billed_so_far)
      is distinct from
      (t.api_usage, t.monthly_api_limit, t.overage_unit_cost, t.currency, t.billed_so_far)
  and not exists (select from bills p where p.id = b.adjusts_id and p.status = 'void');

-- Months that have gone out, whose figures are others than those of their latest bill, which come
-- to another amount than was billed, and for which no correction is open.
create view late_bills as
select root.id, root.customer_id, root.year, root.month, root.currency,
       o.api_usage, o.monthly_api_limit, o.overage_units - so_far.units as overage_units,
       o.overage_unit_cost, due.amount - so_far.amount as overage_amount,
       so_far.amount as billed_so_far
from bills root
join currencies c on c.code = root.currency
cross join lateral overage_of(root.customer_id, root.year, root.month) o
join lateral (
    select * from bills part where part.id = root.id or part.adjusts_id = root.id
    order by part.id desc limit 1) latest on true
cross join lateral billed(root.id) so_far
cross join lateral (
    select round(o.overage_units * o.overage_unit_cost, c.minor_units) as amount) due
where root.kind = 'overage' and root.number is not null and root.status <> 'void'
  and (latest.api_usage, latest.monthly_api_limit, latest.overage_unit_cost)
      is distinct from (o.api_usage, o.monthly_api_limit, o.overage_unit_cost)
  and due.amount <> so_far.amount
  and not exists (
      select from bills open
      where open.adjusts_id = root.id and open.number is null and open.status <> 'void');

-- For whoever waits for a click: by key, with a plan that is kept. To plan these anew takes ten times
-- as long as to answer them.
create function desks_of(bill_ids bigint[]) returns setof desks
language plpgsql stable rows 1 set plan_cache_mode = force_generic_plan as $$
begin
    return query select * from desks where bill_id = any(bill_ids);
end
$$;

create function taken_now(one bigint)
returns table (api_usage bigint, monthly_api_limit bigint, overage_units bigint,
               overage_unit_cost numeric, overage_amount numeric, currency text,
               billed_so_far numeric)
language plpgsql stable rows 1 set plan_cache_mode = force_generic_plan as $$
begin
    return query select t.* from bills b cross join lateral taken_now(b) t where b.id = one;
end
$$;

create function trends(bill_ids bigint[], months integer, first_year integer)
returns table (bill_id bigint, month date, api_usage bigint, overage_amount numeric)
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
begin
    return query
    select b.id, m.month, o.api_usage, o.overage_amount
    from bills b
    cross join lateral (
        select (make_date(b.year, b.month, 1) - make_interval(months => ago))::date as month
        from generate_series(months - 1, 0, -1) ago) m
    left join lateral overage_of(
        b.customer_id, extract(year from m.month)::int, extract(month from m.month)::int) o on true
    where b.id = any(bill_ids) and m.month >= make_date(first_year, 1, 1)
    order by b.id, m.month;
end
$$;
