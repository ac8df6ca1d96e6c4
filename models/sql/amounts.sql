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
returns table (monthly_api_limit bigint, overage_unit_cost numeric)
language sql stable as $$
    select t.monthly_api_limit, t.overage_unit_cost
    from customer_terms t
    where t.customer_id = customer
    order by t.valid_from > day, abs(t.valid_from - day)
    limit 1
$$;

-- The arithmetic of every month with recorded usage, in the customer's currency.
create view overages as
select c.id as customer_id, u.year, u.month, u.api_usage, l.monthly_api_limit,
       o.overage_units, t.overage_unit_cost,
       amount(o.overage_units, t.overage_unit_cost, cur.minor_units) as overage_amount,
       c.currency, a.active_days
from usages u
join customers c on c.id = u.customer_id
join currencies cur on cur.code = c.currency
cross join lateral (
    select make_date(u.year, u.month, 1) as first_day,
           (make_date(u.year, u.month, 1) + interval '1 month - 1 day')::date as last_day,
           extract(day from make_date(u.year, u.month, 1) + interval '1 month - 1 day') as days) m
cross join lateral (
    select greatest(0, least(m.last_day, coalesce(c.end_date, m.last_day))
                     - greatest(m.first_day, coalesce(c.start_date, m.first_day)) + 1) as active_days) a
cross join lateral terms_in_force(c.id, m.first_day) t
cross join lateral (
    select case c.limit_proration
        when 'daily' then
            -- Whole numbers to the end: a quotient of numerics keeps some 16 digits.
            div(t.monthly_api_limit::numeric * a.active_days + m.days - 1, m.days)::bigint
        else t.monthly_api_limit end as monthly_api_limit) l
cross join lateral (
    select greatest(0, u.api_usage - l.monthly_api_limit) as overage_units) o;

-- A month's row of `overages`, in the same way.
create function overage_of(customer bigint, of_year integer, of_month integer)
returns setof overages rows 1 language sql stable as $$
    select * from overages
    where customer_id = customer and year = of_year and month = of_month
    offset 0
$$;
