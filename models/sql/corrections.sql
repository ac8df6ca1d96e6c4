-- What a bill would be if its figures were taken now, and what has gone out that they differ from.

-- Whether a bill is a correction of one that is void: it is void too, or takes back what had gone out.
create function corrects_void(b bills) returns boolean language sql stable as $$
    select exists (select from bills p where p.id = b.adjusts_id and p.status = 'void')
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
          else m.number is not null or corrects_void(m) end
$$;

-- The documents that a correction corrects: what stands of its month, issued before it. What is void
-- and was credited on its own is none of them.
create function corrected_documents(b bills) returns setof bills language sql stable as $$
    select c.*
    from bills c join documents d on d.bill_id = c.id
    where (c.id = b.adjusts_id or c.adjusts_id = b.adjusts_id) and c.id <> b.id
      and (c.status <> 'void' or c.id = b.adjusts_id and exists (
          select from bill_actions a where a.bill_id = c.id and a.action = 'deliver'))
      and (b.number is null or d.created_at < (
          select own.created_at from documents own where own.bill_id = b.id))
$$;

-- What the customer owes for a bill, tax included: as its document says, or, of one without a number,
-- would say. A correction has the rate of what it corrects, and what takes back all that was billed
-- takes back all its tax. Null where there is no amount, and where a document of old does not tell.
create function total_due(b bills) returns numeric language plpgsql stable as $$
declare
    rate numeric;
    digits smallint;
    billed numeric;
    billed_tax numeric;
begin
    if b.number is not null then
        return (select b.overage_amount + (d.facts::json ->> 'tax')::numeric
                from documents d where d.bill_id = b.id);
    end if;
    select c.tax_rate_percent, u.minor_units into rate, digits
    from customers c join currencies u on u.code = b.currency where c.id = b.customer_id;
    if b.adjusts_id is not null then
        rate := coalesce((
            select (d.facts::json ->> 'tax_rate_percent')::numeric
            from corrected_documents(b) c join documents d on d.bill_id = c.id
            where d.facts is not null order by c.id desc limit 1), rate);
        select sum(c.overage_amount), sum(coalesce(
                   (d.facts::json ->> 'tax')::numeric, round(c.overage_amount * rate * 0.01, digits)))
        into billed, billed_tax
        from corrected_documents(b) c join documents d on d.bill_id = c.id;
        if billed = -b.overage_amount then
            return b.overage_amount - billed_tax;
        end if;
    end if;
    return b.overage_amount + round(b.overage_amount * rate * 0.01, digits);
end
$$;

-- The first of them that has not gone out yet; null where nothing keeps the correction back.
create function waits_for(b bills) returns bigint language sql stable as $$
    select min(c.id) from corrected_documents(b) c where c.status not in ('sent', 'void')
$$;

-- Whether it can be sent at all: it is approved, or has gone out and is reported not to have arrived,
-- or is on its way and nobody can tell.
create function can_be_sent(b bills) returns boolean language sql stable as $$
    select b.status = 'approved' or b.status = 'sent' and (
        select a.action = 'bounce' from bill_actions a
        where a.bill_id = b.id and a.action in ('deliver', 'bounce') and not a.snapshot ? 'of_copy'
        order by a.id desc limit 1)
    or b.status = 'sending' and exists (
        select from deliveries d where d.bill_id = b.id and d.unheard > 0)
$$;

-- What Finance agreed not to bill of a month: as the latest of its bills that has been issued has
-- it, and before that as its first bill has it. Null where nothing was agreed.
create function waived_of(root bigint) returns bigint language sql stable as $$
    select waived_units from bills
    where id = root or adjusts_id = root and number is not null
    order by id desc limit 1
$$;

-- What a bill's figures would be if they were taken now, with so many calls waived. A correction is
-- what its month comes to, less what is billed so far, in the currency that it was billed in: the
-- terms are of that time.
create function figures_with(b bills, waived bigint)
returns table (api_usage bigint, monthly_api_limit bigint, overage_units bigint,
               overage_unit_cost numeric, overage_amount numeric, currency text,
               billed_so_far numeric, waived_units bigint)
language sql stable as $$
    select o.api_usage, o.monthly_api_limit, (m.units - s.units)::bigint,
           o.overage_unit_cost,
           amount(m.units, o.overage_unit_cost, c.minor_units) - s.amount,
           case when b.adjusts_id is null then o.currency else b.currency end,
           case when b.adjusts_id is not null then s.amount end,
           waived
    from overage_of(b.customer_id, b.year, b.month) o
    join currencies c on c.code = case when b.adjusts_id is null then o.currency else b.currency end
    cross join lateral billed(b.adjusts_id) s
    cross join lateral (
        select agreed_units(o.overage_units, o.api_usage, waived, s.units) as units) m
$$;

-- The same with what was agreed for this bill.
create function figures_now(b bills)
returns table (api_usage bigint, monthly_api_limit bigint, overage_units bigint,
               overage_unit_cost numeric, overage_amount numeric, currency text,
               billed_so_far numeric, waived_units bigint)
language sql stable as $$
    select * from figures_with(b, b.waived_units)
$$;

-- The same without: as usage and terms give them, and what was agreed before a correction.
create function figures_anew(b bills)
returns table (api_usage bigint, monthly_api_limit bigint, overage_units bigint,
               overage_unit_cost numeric, overage_amount numeric, currency text,
               billed_so_far numeric, waived_units bigint)
language sql stable as $$
    select * from figures_with(b, case when b.adjusts_id is not null then waived_of(b.adjusts_id) end)
$$;

-- Whether a bill does not rest on these figures, if they are those of now. What Finance agreed is no
-- part of it: it stays agreed. What has its number keeps its figures, and so does what takes back a
-- void bill.
create function is_outdated(
    b bills, used bigint, limit_calls bigint, unit_cost numeric, in_currency text,
    already_billed numeric)
returns boolean language sql stable as $$
    select b.number is null and b.status <> 'void'
       and (b.api_usage, b.monthly_api_limit, b.overage_unit_cost, b.currency, b.billed_so_far)
           is distinct from (used, limit_calls, unit_cost, in_currency, already_billed)
       and not (b.adjusts_id is not null and corrects_void(b))
$$;

-- Bills that do not rest on the figures of now.
create view outdated_bills as
select b.id, b.adjusts_id, b.status
from bills b cross join lateral figures_now(b) t
where is_outdated(b, t.api_usage, t.monthly_api_limit, t.overage_unit_cost, t.currency,
                  t.billed_so_far);

-- Those that are worked out anew. A rejected bill keeps its figures until it is revised. One that is
-- held for its contract dates goes on once they cover its month, also where no figure is another.
create view bills_to_recalculate as
select id, adjusts_id from outdated_bills where status <> 'rejected'
union
select b.id, b.adjusts_id
from bills b cross join lateral overage_of(b.customer_id, b.year, b.month) o
where b.status = 'held' and b.hold_reason = 'outside_contract' and b.number is null
  and o.active_days > 0;

-- Bills whose month the contract does not cover after all.
create view bills_outside_contract as
select b.id
from bills b cross join lateral overage_of(b.customer_id, b.year, b.month) o
where b.kind = 'overage' and b.number is null and b.status in ('pending', 'approved', 'sending')
  and o.active_days = 0
  and not exists (
      select from overruled_causes o where o.bill_id = b.id and o.cause = 'outside_contract');

-- Months that have gone out, whose figures are others than those of their latest bill, which come
-- to another amount than was billed, and for which no correction is open.
create view late_bills as
select root.id, root.customer_id, root.year, root.month, root.currency,
       o.api_usage, o.monthly_api_limit, due.units - so_far.units as overage_units,
       o.overage_unit_cost, due.amount - so_far.amount as overage_amount,
       so_far.amount as billed_so_far, agreed.waived as waived_units, o.active_days
from bills root
join currencies c on c.code = root.currency
cross join lateral overage_of(root.customer_id, root.year, root.month) o
join lateral (
    select * from bills part where part.id = root.id or part.adjusts_id = root.id
    order by part.id desc limit 1) latest on true
cross join lateral billed(root.id) so_far
cross join lateral (select waived_of(root.id) as waived) agreed
cross join lateral (
    select m.units, amount(m.units, o.overage_unit_cost, c.minor_units) as amount
    from agreed_units(o.overage_units, o.api_usage, agreed.waived, so_far.units) m (units)) due
where root.kind = 'overage' and root.number is not null and root.status <> 'void'
  and (latest.api_usage, latest.monthly_api_limit, latest.overage_unit_cost)
      is distinct from (o.api_usage, o.monthly_api_limit, o.overage_unit_cost)
  and due.amount <> so_far.amount
  and not exists (
      select from bills open
      where open.adjusts_id = root.id and open.number is null and open.status <> 'void');
