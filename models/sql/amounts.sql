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

-- How many days two spans share; without an end they go on.
create function days_shared(starts date, ends date, first_day date, last_day date) returns integer
language sql immutable parallel safe as $$
    select greatest(0, least(last_day, coalesce(ends, last_day))
                       - greatest(first_day, coalesce(starts, first_day)) + 1)
$$;

-- How many days of a span are in contract: in the customer's own dates, or in those of a former
-- contract that a later one followed. A day on which one ends and the next begins is one day.
create function contract_days(
    customer bigint, starts date, ends date, first_day date, last_day date)
returns table (days integer) language sql stable rows 1 as $$
    select days_shared(starts, ends, first_day, last_day) + coalesce((
        select sum(days_shared(f.start_date, f.end_date - shared.days, first_day, last_day))
        from former_contracts f
        cross join lateral (
            select (coalesce(starts = f.end_date, false) or exists (
                select from former_contracts later
                where later.customer_id = customer and later.stands and later.id > f.id
                  and later.start_date = f.end_date))::integer as days) shared
        where f.customer_id = customer and f.stands), 0)::integer
$$;

-- The months that have gone out, with the days in contract and the proration they were billed under.
create view billed_months as
select b.customer_id, b.year, b.month, k.contract_days, k.limit_proration
from bills b
join billed_contracts k on k.bill_id = b.id
where b.kind = 'overage' and b.status <> 'void' and b.number is not null;

-- What holds for a customer in a month: terms, days in contract, and the limit that they make. A
-- month that has gone out keeps what it was billed under. The joins are left to whoever asks for
-- many: inside of here they would be done for each row anew.
create function terms_of_month(
    c customers, billed billed_months, of_year integer, of_month integer)
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
    from (select make_date(of_year, of_month, 1) as first_day,
                 (make_date(of_year, of_month, 1) + interval '1 month - 1 day')::date as last_day,
                 extract(day from make_date(of_year, of_month, 1) + interval '1 month - 1 day')
                 as days) m
    cross join lateral contract_days(
        c.id, c.start_date, c.end_date, m.first_day, m.last_day) d
    cross join lateral (select coalesce(billed.contract_days, d.days) as active_days) a
    cross join lateral terms_in_force(c.id, m.first_day) t
$$;

-- The same for one customer and month.
create function month_terms(customer bigint, of_year integer, of_month integer)
returns table (currency text, monthly_api_limit bigint, overage_unit_cost numeric,
               active_days integer)
language sql stable rows 1 as $$
    select t.*
    from customers c
    left join billed_months billed
        on billed.customer_id = c.id and billed.year = of_year and billed.month = of_month
    cross join lateral terms_of_month(c, billed, of_year, of_month) t
    where c.id = customer
$$;

-- The arithmetic of every month with recorded usage, in the currency of its terms. That is mostly the
-- customer's, whose minor units are joined once; looked up by row they cost as much as all the rest.
create view overages as
select u.customer_id, u.year, u.month, u.api_usage, t.monthly_api_limit,
       o.overage_units, t.overage_unit_cost,
       amount(o.overage_units, t.overage_unit_cost,
              case when t.currency = c.currency then cur.minor_units
                   else (select minor_units from currencies where code = t.currency) end)
       as overage_amount,
       t.currency, t.active_days
from usages u
join customers c on c.id = u.customer_id
join currencies cur on cur.code = c.currency
left join billed_months billed
    on billed.customer_id = u.customer_id and billed.year = u.year and billed.month = u.month
cross join lateral terms_of_month(c, billed, u.year, u.month) t
cross join lateral (
    select greatest(0, u.api_usage - t.monthly_api_limit) as overage_units) o;

-- A month's row of `overages`, in the same way.
create function overage_of(customer bigint, of_year integer, of_month integer)
returns setof overages rows 1 language sql stable as $$
    select * from overages
    where customer_id = customer and year = of_year and month = of_month
    offset 0
$$;
