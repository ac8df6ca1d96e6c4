-- What a month's bills come to, by state, cause, currency and, of those that wait, by when they were
-- made. The sums of `month_totals` are kept by every statement that writes bills: what was counts less,
-- what is counts more. Nothing is updated there, so nobody waits for somebody else's bill.
create or replace function total_new_bills() returns trigger language plpgsql as $$
begin
    insert into month_totals
        (year, month, status, hold_reason, currency, made_at, bills, priced, amount)
    select year, month, status, hold_reason, currency,
           case when status in ('held', 'pending') then created_at end as made_at,
           count(*), count(overage_amount), coalesce(sum(overage_amount), 0)
    from added group by year, month, status, hold_reason, currency, made_at;
    return null;
end $$;

create or replace function total_changed_bill() returns trigger language plpgsql as $$
begin
    insert into month_totals
        (year, month, status, hold_reason, currency, made_at, bills, priced, amount)
    values
        (old.year, old.month, old.status, old.hold_reason, old.currency,
         case when old.status in ('held', 'pending') then old.created_at end,
         -1, case when old.overage_amount is null then 0 else -1 end,
         -coalesce(old.overage_amount, 0)),
        (new.year, new.month, new.status, new.hold_reason, new.currency,
         case when new.status in ('held', 'pending') then new.created_at end,
         1, case when new.overage_amount is null then 0 else 1 end,
         coalesce(new.overage_amount, 0));
    return null;
end $$;

-- What corrects a void bill: with it nothing together, so neither counts in what a month comes to.
create view corrections_of_void as
select corrected.year, corrected.month, b.id, b.status, b.currency, b.overage_amount
from bills corrected join bills b on b.adjusts_id = corrected.id
where corrected.status = 'void' and b.status not in ('rejected', 'void');

-- What the sums have to be.
create view totals_of_bills as
select year, month, status, hold_reason, currency,
       case when status in ('held', 'pending') then created_at end as made_at,
       count(*) as bills, count(overage_amount) as priced,
       coalesce(sum(overage_amount), 0) as amount
from bills group by year, month, status, hold_reason, currency, made_at;

-- For whoever has changed bills with the triggers off.
create function count_months_anew() returns void language sql as $$
    lock table bills in share row exclusive mode;
    delete from month_totals;
    insert into month_totals
        (year, month, status, hold_reason, currency, made_at, bills, priced, amount)
    select year, month, status, hold_reason, currency, made_at, bills, priced, amount
    from totals_of_bills;
$$;
