-- Currency and price move together, by month, and rules keep the currency that they were written in.

alter table customer_terms add column currency text references currencies;

update customer_terms t set currency = c.currency from customers c where c.id = t.customer_id;

-- A month that went out before its customer's currency was changed gets terms in the currency that
-- it was billed in; from the month after it on, those of the customer hold.
create temp table foreign_months on commit drop as
select b.customer_id, make_date(b.year, b.month, 1) as month, b.currency, c.currency as later
from bills b join customers c on c.id = b.customer_id
where b.kind = 'overage' and b.number is not null and b.status <> 'void'
  and b.currency <> c.currency;

create temp table terms_to_add on commit drop as
select m.customer_id, m.month, m.currency, t.monthly_api_limit, t.overage_unit_cost
from (select customer_id, month, currency from foreign_months
      union all
      select f.customer_id, (f.month + interval '1 month')::date, f.later
      from foreign_months f
      where not exists (
          select from foreign_months n
          where n.customer_id = f.customer_id
            and n.month = (f.month + interval '1 month')::date)) m
cross join lateral (
    select t.monthly_api_limit, t.overage_unit_cost from customer_terms t
    where t.customer_id = m.customer_id
    order by t.valid_from > m.month, abs(t.valid_from - m.month) limit 1) t;

insert into customer_terms (customer_id, valid_from, currency, monthly_api_limit, overage_unit_cost)
select customer_id, month, currency, monthly_api_limit, overage_unit_cost
from terms_to_add
on conflict (customer_id, valid_from) do update set currency = excluded.currency
where excluded.currency <> customer_terms.currency;

alter table customer_terms alter column currency set not null;

alter table customers add column rules_currency text references currencies;

create function keep_rules_currency() returns trigger language plpgsql as $$
begin
    new.rules_currency := nullif(coalesce(old.rules_currency, old.currency), new.currency);
    return new;
end $$;

create trigger keep_rules_currency before update of currency on customers
    for each row
    when (old.currency <> new.currency
          and coalesce(new.auto_approve_below, new.second_approval_above) is not null
          and (old.auto_approve_below, old.second_approval_above, old.rules_currency)
              is not distinct from
              (new.auto_approve_below, new.second_approval_above, new.rules_currency))
    execute function keep_rules_currency();
