-- The days of a month, where its source tells them: none, or all of them, and then they add up to the
-- month's figure. A figure that is changed without its days loses them; days that do not add up to
-- their figure are refused. So both change together in one statement, or the days go first.

create view days_of_months as
select customer_id, extract(year from day)::integer as year, extract(month from day)::integer as month,
       sum(api_usage) as api_usage
from usage_days group by 1, 2, 3;

create or replace function drop_days_of_other_figures() returns trigger language plpgsql as $$
begin
    delete from usage_days d using written w
    where d.customer_id = w.customer_id
      and d.day >= make_date(w.year, w.month, 1)
      and d.day < make_date(w.year, w.month, 1) + interval '1 month'
      and w.api_usage <> (
          select sum(o.api_usage) from usage_days o
          where o.customer_id = w.customer_id
            and o.day >= make_date(w.year, w.month, 1)
            and o.day < make_date(w.year, w.month, 1) + interval '1 month');
    return null;
end $$;

create or replace function refuse_days_of_other_figures() returns trigger language plpgsql as $$
declare
    wrong record;
begin
    select m.customer_id, m.year, m.month, d.calls, u.api_usage into wrong
    from (select distinct customer_id, extract(year from day)::integer as year,
                 extract(month from day)::integer as month from written) m
    cross join lateral (
        select sum(api_usage) as calls from usage_days d
        where d.customer_id = m.customer_id and d.day >= make_date(m.year, m.month, 1)
          and d.day < make_date(m.year, m.month, 1) + interval '1 month') d
    left join usages u using (customer_id, year, month)
    where d.calls is not null and d.calls is distinct from u.api_usage
    limit 1;
    if found then
        raise exception 'the days of customer % in %-% come to %, and the month to %',
            wrong.customer_id, wrong.year, lpad(wrong.month::text, 2, '0'), wrong.calls,
            coalesce(wrong.api_usage::text, 'nothing') using errcode = 'check_violation';
    end if;
    return null;
end $$;
