-- Where a month that is not over is heading: its customer's calls by the end of it.

-- A guess as calls, no fewer than were made already, and no more than can be counted.
create function at_least(used bigint, guess double precision) returns bigint
language sql immutable parallel safe as $$
    select case when guess is not null
                then greatest(used, least(round(guess::numeric), 9223372036854775807)::bigint) end
$$;

-- Of each customer with a figure in that month. It stands for the days until it was last written down:
-- `share` of those in contract. Nothing is likely in the first tenth, nor of a figure that came after
-- the end, or is zero.
--
-- Two guesses are weighed against each other, each by how far it is usually off: the same pace to
-- the end, which days that differ by half of their calls put off; and the calls of the month before,
-- where the four months before at least are recorded, which are off as those differed from month to
-- month. `low` and `high` hold four of five months, as far as that is so.
create function usage_forecasts(of_year integer, of_month integer, zone text)
returns table (customer_id bigint, share double precision, recorded_at timestamptz,
               likely bigint, low bigint, high bigint, months integer, usual bigint,
               uses_history boolean)
language sql stable as $$
    select u.customer_id, days.share, u.updated_at,
           at_least(u.api_usage, guess.likely),
           at_least(u.api_usage, guess.likely * exp(-guess.spread)),
           at_least(u.api_usage, guess.likely * exp(guess.spread)),
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
                    then u.api_usage / days.share end as straight,
               case when days.share > 0 and days.share < 1
                    then 30 * days.share / (0.25 * (1 - days.share)) end as straight_precision,
               case when past.before is null then 0
                    else coalesce(1 / (past.swing * past.swing), 0) end as before_precision
    ) pace
    cross join lateral (
        select pace.straight_precision as straight, pace.before_precision as before,
               pace.straight_precision + pace.before_precision as total
    ) weight
    cross join lateral (
        select exp((weight.straight * ln(pace.straight)
                    + weight.before * ln(coalesce(past.before, 1)::double precision))
                   / weight.total) as likely,
               1.28 / sqrt(weight.total) as spread
    ) guess
    where u.year = of_year and u.month = of_month
$$;
