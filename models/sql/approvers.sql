-- Whose word a bill needs.

create view customer_desks as
select c.id as customer_id, csm.id as csm_id, sales.id as sales_id,
       (select s.id from users s
        where s.id = csm.delegate_id and csm.away_until is not null
          and s.active and s.role in ('Customer Success', 'Sales')) as csm_stand_in_id,
       (select s.id from users s
        where s.id = sales.delegate_id and sales.away_until is not null
          and s.active and s.role in ('Customer Success', 'Sales')) as sales_stand_in_id,
       c.require_csm_approval, c.require_sales_approval,
       c.auto_approve_below, c.second_approval_above,
       c.csm_id is not null and csm.id is null as csm_gone,
       c.sales_id is not null and sales.id is null as sales_gone,
       exists (select from users where active and role = 'Customer Success') as csm_there,
       exists (select from users where active and role = 'Sales') as sales_there
from customers c
left join users csm on csm.id = c.csm_id and csm.active and csm.role = 'Customer Success'
left join users sales on sales.id = c.sales_id and sales.active and sales.role = 'Sales';

-- Whose word a bill of this amount needs, and on whose desk it lands. A part without a person is
-- anybody's of its role. Above `second_approval_above` both parts are needed. `undecidable`: a
-- needed person is gone, or nobody at all has the role.
create function desk(d customer_desks, amount numeric)
returns table (needs_csm boolean, needs_sales boolean, asks_csm boolean, asks_sales boolean,
               undecidable boolean)
language sql stable as $$
    select n.csm, n.sales,
           n.csm or f.free and (d.csm_id is not null or d.sales_id is null and d.csm_there),
           n.sales or f.free and d.csm_id is null and (d.sales_id is not null or not d.csm_there),
           n.csm and (d.csm_gone or not d.csm_there)
           or n.sales and (d.sales_gone or not d.sales_there)
           or f.free and not d.csm_there and not d.sales_there
    from (select coalesce(abs(amount) > d.second_approval_above, false) as both_needed) s
    cross join lateral (
        select d.require_csm_approval or s.both_needed as csm,
               d.require_sales_approval or s.both_needed as sales) n
    cross join lateral (select not n.csm and not n.sales as free) f
$$;

-- A customer's row of it, looked up by its key wherever it is asked for. Without `offset 0` the
-- view would be joined as a whole, for each bill anew where a table has no statistics yet.
create function customer_desk(customer bigint)
returns setof customer_desks rows 1 language sql stable as $$
    select * from customer_desks where customer_id = customer offset 0
$$;

create view desks as
select b.id as bill_id, d.csm_id, d.sales_id, d.csm_stand_in_id, d.sales_stand_in_id, w.*
from bills b
cross join lateral customer_desk(b.customer_id) d
cross join lateral desk(d, b.overage_amount) w;

-- For whoever waits for a click: by key, with a plan that is kept. To plan these anew takes ten times
-- as long as to answer them.
create function desks_of(bill_ids bigint[]) returns setof desks
language plpgsql stable rows 1 set plan_cache_mode = force_generic_plan as $$
begin
    return query select * from desks where bill_id = any(bill_ids);
end
$$;
