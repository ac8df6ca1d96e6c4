-- What a month comes to: terms in force, the arithmetic of every month with recorded usage.

-- So many units at a price, net, rounded once, half up, to the currency's minor unit (PostgreSQL
-- rounds numeric so); null without a price.
create function amount(units bigint, unit_cost numeric, minor_units smallint) returns numeric
language sql immutable parallel safe as $$
    select round(units * unit_cost, minor_units)
$$;

-- The calls that a month is billed for: those over its limit, less those that Finance agreed not to
-- bill, which are below zero where it agreed to bill more. None less than nothing, and none more
-- than was used or, if that is more, is billed already.
create function agreed_units(over_limit bigint, used bigint, waived bigint, billed bigint)
returns bigint language sql immutable parallel safe as $$
    select case when waived is null then over_limit
                else greatest(0, least(over_limit::numeric - waived, greatest(used, billed)))::bigint
           end
$$;

-- The terms in force on a day; the first terms also hold for all that was before them.
create function terms_in_force(customer bigint, day date)
returns table (currency text, monthly_api_limit bigint, overage_unit_cost numeric)
language sql stable as $$
    select t.currency, t.monthly_api_limit, t.overage_unit_cost
    from customer_terms t
    where t.customer_id = customer
    order by t.valid_from > day, abs(t.valid_from - day)
    limit 1
$$;

-- How many days of a span are in contract: in the customer's own dates, or in those of a former
-- contract that a later one followed.
create function contract_days(
    customer bigint, starts date, ends date, first_day date, last_day date)
returns table (days integer) language sql stable rows 1 as $$
    select sum(greatest(0, least(last_day, coalesce(span.ends, last_day))
                           - greatest(first_day, coalesce(span.starts, first_day)) + 1))::integer
    from (select starts, ends
          union all
          select f.start_date, f.end_date from former_contracts f
          where f.customer_id = customer and f.stands) span (starts, ends)
$$;

-- What holds for a customer in a month: terms, days in contract, and the limit that they make. A
-- month that has gone out keeps the days and the proration that it was billed under.
create function month_terms(customer bigint, of_year integer, of_month integer)
returns table (currency text, monthly_api_limit bigint, overage_unit_cost numeric,
               active_days integer)
language sql stable rows 1 as $$
    select t.currency,
           case coalesce(billed.limit_proration, c.limit_proration)
               when 'daily' then
                   -- Whole numbers to the end: a quotient of numerics keeps some 16 digits.
                   div(t.monthly_api_limit::numeric * a.active_days + m.days - 1, m.days)::bigint
               else t.monthly_api_limit end,
           t.overage_unit_cost, a.active_days
    from customers c
    cross join lateral (
        select make_date(of_year, of_month, 1) as first_day,
               (make_date(of_year, of_month, 1) + interval '1 month - 1 day')::date as last_day,
               extract(day from make_date(of_year, of_month, 1) + interval '1 month - 1 day')
               as days) m
    left join bills b
        on b.customer_id = c.id and b.year = of_year and b.month = of_month
       and b.kind = 'overage' and b.status <> 'void' and b.number is not null
    left join billed_contracts billed on billed.bill_id = b.id
    cross join lateral contract_days(
        c.id, c.start_date, c.end_date, m.first_day, m.last_day) d
    cross join lateral (select coalesce(billed.contract_days, d.days) as active_days) a
    cross join lateral terms_in_force(c.id, m.first_day) t
    where c.id = customer
$$;

-- The arithmetic of every month with recorded usage, in the currency of its terms.
create view overages as
select u.customer_id, u.year, u.month, u.api_usage, t.monthly_api_limit,
       o.overage_units, t.overage_unit_cost,
       amount(o.overage_units, t.overage_unit_cost, cur.minor_units) as overage_amount,
       t.currency, t.active_days
from usages u
cross join lateral month_terms(u.customer_id, u.year, u.month) t
join currencies cur on cur.code = t.currency
cross join lateral (
    select greatest(0, u.api_usage - t.monthly_api_limit) as overage_units) o;

-- A month's row of `overages`, in the same way.
create function overage_of(customer bigint, of_year integer, of_month integer)
returns setof overages rows 1 language sql stable as $$
    select * from overages
    where customer_id = customer and year = of_year and month = of_month
    offset 0
$$;
