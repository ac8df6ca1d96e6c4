-- Where a month that is not over is heading: its customer's calls by the end of it.

-- Calls with so many more to come, as far as they can be counted.
create function with_more(used bigint, more double precision) returns bigint
language sql immutable parallel safe as $$
    select case when more is not null
                then least(used::numeric + round(more::numeric), 9223372036854775807)::bigint end
$$;

-- Of each customer with a figure in that month. It stands for the days until it was last written down:
-- `share` of those in contract. Nothing is likely in the first tenth, nor of a figure that came after
-- the end, or is zero.
--
-- The days that are left are taken for days of a month at some level. Two guesses at it are weighed
-- against each other, each by how far it is usually off: the pace until then, which days that differ
-- by half of their calls put off; and the calls of the month before, where the four months before at
-- least are recorded, which are off as those differed from month to month. `low` and `high` hold
-- four of five months, as far as that is so, with what the days that are left may differ.
create function usage_forecasts(of_year integer, of_month integer, zone text)
returns table (customer_id bigint, share double precision, recorded_at timestamptz,
               likely bigint, low bigint, high bigint, months integer, usual bigint,
               uses_history boolean)
language sql stable as $$
    select u.customer_id, days.share, u.updated_at,
           with_more(u.api_usage, guess.rest),
           with_more(u.api_usage, guess.rest * exp(-guess.spread)),
           with_more(u.api_usage, guess.rest * exp(guess.spread)),
           past.months, past.usual, weight.before > 0
    from usages u
    join customers c on c.id = u.customer_id
    cross join lateral (
        select make_date(of_year, of_month, 1) as first,
               (make_date(of_year, of_month, 1) + interval '1 month')::date as after
    ) month
    cross join lateral (
        select greatest(month.first, coalesce(c.start_date, month.first))::timestamp
                   at time zone zone as first,
               least(month.after, coalesce(c.end_date + 1, month.after))::timestamp
                   at time zone zone as after
    ) contract
    cross join lateral (
        select extract(epoch from u.updated_at - contract.first)::double precision
                   / nullif(extract(epoch from contract.after - contract.first), 0)::double precision
                   as share
    ) days
    cross join lateral (
        select count(*)::integer as months,
               percentile_disc(0.5) within group (order by m.api_usage) as usual,
               max(m.api_usage) filter (where m.ago = 1 and m.api_usage > 0) as before,
               case when count(m.step) >= 3
                    then greatest(0.05, sqrt(avg(m.step * m.step))) end as swing
        from (
            select earlier.ago, p.api_usage,
                   case when lag(earlier.ago) over steps = earlier.ago + 1
                        then ln(nullif(p.api_usage, 0)::double precision
                                / nullif(lag(p.api_usage) over steps, 0)) end as step
            from generate_series(1, 6) as earlier (ago)
            join usages p
                on p.customer_id = u.customer_id
               and p.year = of_year + div(of_month - 1 - earlier.ago + 12, 12)::integer - 1
               and p.month = (of_month - 1 - earlier.ago + 12) % 12 + 1
            window steps as (order by earlier.ago desc)
        ) m
    ) past
    cross join lateral (
        select case when u.api_usage > 0 and days.share >= 0.1 and days.share < 1
                    then days.share end as share
    ) told
    cross join lateral (
        select 30 * told.share / 0.25 as pace,
               case when past.before is null then 0
                    else coalesce(1 / (past.swing * past.swing), 0) end as before
    ) weight
    cross join lateral (
        select (1 - told.share)
                   * exp((weight.pace * ln(u.api_usage / told.share)
                          + weight.before * ln(coalesce(past.before, 1)::double precision))
                         / (weight.pace + weight.before)) as rest,
               1.28 * sqrt(1 / (weight.pace + weight.before) + 0.25 / (30 * (1 - told.share)))
                   as spread
    ) guess
    where u.year = of_year and u.month = of_month
$$;
