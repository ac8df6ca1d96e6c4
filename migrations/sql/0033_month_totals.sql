-- What a month's bills come to. Each statement that writes bills adds rows that say by how much that
-- moved, so that nobody waits for a row that others count in; the worker folds them together.
create table month_totals (
    year integer not null,
    month integer not null,
    id bigint generated always as identity,
    status text not null,
    hold_reason text,
    currency text not null,
    made_at timestamptz,
    bills bigint not null,
    priced bigint not null,
    amount numeric not null,
    primary key (year, month, id)
);

create function total_new_bills() returns trigger language plpgsql as $$
begin
    return null;
end $$;

create function total_changed_bill() returns trigger language plpgsql as $$
begin
    return null;
end $$;

create trigger total_new_bills after insert on bills
    referencing new table as added for each statement execute function total_new_bills();
create trigger total_changed_bill after update on bills for each row
    when ((old.year, old.month, old.status, old.hold_reason, old.currency, old.created_at,
           old.overage_amount)
          is distinct from (new.year, new.month, new.status, new.hold_reason, new.currency,
                            new.created_at, new.overage_amount))
    execute function total_changed_bill();
alter table bills enable always trigger total_new_bills;
alter table bills enable always trigger total_changed_bill;

insert into month_totals
    (year, month, status, hold_reason, currency, made_at, bills, priced, amount)
select year, month, status, hold_reason, currency,
       case when status in ('held', 'pending') then created_at end as made_at,
       count(*), count(overage_amount), coalesce(sum(overage_amount), 0)
from bills group by year, month, status, hold_reason, currency, made_at;

-- The biggest bills of a month, currency by currency.
create index bills_biggest on bills (year, month, currency, overage_amount desc, id)
where kind = 'overage' and overage_amount > 0 and status not in ('rejected', 'void');
