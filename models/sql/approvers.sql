-- Who may approve a bill.

-- What a customer says about approvals, and who of those named can give one. Somebody named who is
-- inactive, or has another role by now, counts as nobody, and as gone. A delegate acts for somebody
-- named who is away. `has_csm`, `has_sales`: whether anybody at all has the role; `csm_in_slack`,
-- `sales_in_slack`: whether Slack can reach whoever is named, or their delegate; `any_id`: whom Finance
-- asks for one bill where either role can fill its slot. They stand behind `offset 0`, and all else comes from joins: a row with sub-selects in it is never put in place of
-- the argument of a function, and so no function of it would be inlined.
create view approval_rules as
select c.id as customer_id,
       csm.id as csm_id, csm_delegate.id as csm_delegate_id,
       c.csm_id is not null and csm.id is null as csm_is_gone,
       sales.id as sales_id, sales_delegate.id as sales_delegate_id,
       c.sales_id is not null and sales.id is null as sales_is_gone,
       staff.has_csm, staff.has_sales, staff.has_csm_in_slack,
       num_nonnulls(csm.slack_user_id, csm_delegate.slack_user_id) > 0 as csm_in_slack,
       num_nonnulls(sales.slack_user_id, sales_delegate.slack_user_id) > 0 as sales_in_slack,
       c.require_csm_approval, c.require_sales_approval,
       c.auto_approve_below, c.second_approval_above,
       coalesce(c.rules_currency, c.currency) as rules_currency, c.slack_channel_id,
       null::bigint as any_id, null::text as any_role, null::bigint as any_delegate_id
from customers c
cross join (
    select exists (select from users where active and role = 'Customer Success') as has_csm,
           exists (select from users where active and role = 'Sales') as has_sales,
           exists (select from users where active and role = 'Customer Success'
                   and slack_user_id is not null) as has_csm_in_slack
    offset 0) staff
left join users csm on csm.id = c.csm_id and csm.active and csm.role = 'Customer Success'
left join users csm_delegate
    on csm_delegate.id = csm.delegate_id and csm.away_until is not null
   and csm_delegate.active and csm_delegate.role in ('Customer Success', 'Sales')
left join users sales on sales.id = c.sales_id and sales.active and sales.role = 'Sales'
left join users sales_delegate
    on sales_delegate.id = sales.delegate_id and sales.away_until is not null
   and sales_delegate.active and sales_delegate.role in ('Customer Success', 'Sales');

-- Whether an amount is so large that both the CSM and the salesperson have to approve it; one in
-- another currency than the rule cannot be compared, and is above any. It names the amount once: an
-- expression that stands in a function twice is not put in place of the call.
create function exceeds_second_approval(r approval_rules, amount numeric, currency text)
returns boolean language sql immutable parallel safe as $$
    select coalesce(
        abs(amount) > case when currency = r.rules_currency then r.second_approval_above
                           else r.second_approval_above - numeric 'Infinity' end,
        false)
$$;

-- Which approvals a bill of this amount needs: that of its CSM, of its salesperson, of both where it
-- is large, else any of the two. `has_no_approver`: one is needed of somebody who is gone, or of a
-- role that nobody has.
create function needed_approvals(r approval_rules, amount numeric, currency text)
returns table (csm boolean, sales boolean, has_no_approver boolean)
language sql stable rows 1 as $$
    select n.csm, n.sales,
           n.csm and (r.csm_is_gone or not r.has_csm)
           or n.sales and (r.sales_is_gone or not r.has_sales)
           or not n.csm and not n.sales and not r.has_csm and not r.has_sales
    from (select exceeds_second_approval(r, amount, currency) as both) a
    cross join lateral (
        select r.require_csm_approval or a.both as csm,
               r.require_sales_approval or a.both as sales) n
$$;

-- The same, a row a slot: `csm`, `sales` or both, else `any`, which either role can fill. A slot
-- without a person is anybody's of its role; of `any` it is the person, or the role, that is asked,
-- and that Slack can reach.
create function approver_slots(r approval_rules, amount numeric, currency text)
returns table (slot text, role text, user_id bigint, delegate_id bigint, has_no_approver boolean)
language sql stable rows 2 as $$
    select s.slot, s.role, s.user_id, s.delegate_id, n.has_no_approver
    from needed_approvals(r, amount, currency) n
    cross join lateral (
        select case when r.csm_in_slack then r.csm_id end as csm_id,
               case when r.csm_in_slack then r.csm_delegate_id end as csm_delegate_id,
               case when r.sales_in_slack then r.sales_id end as sales_id,
               case when r.sales_in_slack then r.sales_delegate_id end as sales_delegate_id
    ) reached
    cross join lateral (
        select reached.csm_id is not null
            or reached.sales_id is null and r.has_csm and (r.has_csm_in_slack or not r.has_sales)
            as csm) asked
    cross join lateral (values
        ('csm', 'Customer Success', r.csm_id, r.csm_delegate_id, n.csm),
        ('sales', 'Sales', r.sales_id, r.sales_delegate_id, n.sales),
        ('any',
         coalesce(r.any_role, case when asked.csm then 'Customer Success' else 'Sales' end),
         case when r.any_id is not null then r.any_id
              when asked.csm then reached.csm_id else reached.sales_id end,
         case when r.any_id is not null then r.any_delegate_id
              when asked.csm then reached.csm_delegate_id else reached.sales_delegate_id end,
         not n.csm and not n.sales)
    ) s (slot, role, user_id, delegate_id, needed)
    where s.needed
$$;

-- A customer's row of it, looked up by its key. Without `offset 0` the view would be joined as a
-- whole, for each bill anew where a table has no statistics yet.
create function approval_rules_of(customer bigint)
returns setof approval_rules rows 1 language sql stable as $$
    select * from approval_rules where customer_id = customer offset 0
$$;

-- Whom Finance asks for a slot of one bill instead, as long as they can fill it.
create view reassigned_approvers as
select a.bill_id, a.slot, u.id as user_id, u.role, d.id as delegate_id,
       num_nonnulls(u.slack_user_id, d.slack_user_id) > 0 as is_in_slack
from reassignments a
join users u on u.id = a.user_id and u.active and u.role in ('Customer Success', 'Sales')
    and a.slot in ('any', case u.role when 'Sales' then 'sales' else 'csm' end)
left join users d on d.id = u.delegate_id and u.away_until is not null
    and d.active and d.role in ('Customer Success', 'Sales');

-- The same for one bill: its customer's rules, with whom Finance asks instead in their place.
create function approval_rules_of_bill(bill bigint, customer bigint)
returns setof approval_rules rows 1 language sql stable as $$
    select r.customer_id,
           coalesce(csm.user_id, r.csm_id),
           case when csm.user_id is null then r.csm_delegate_id else csm.delegate_id end,
           csm.user_id is null and r.csm_is_gone,
           coalesce(sales.user_id, r.sales_id),
           case when sales.user_id is null then r.sales_delegate_id else sales.delegate_id end,
           sales.user_id is null and r.sales_is_gone,
           r.has_csm, r.has_sales, r.has_csm_in_slack,
           coalesce(csm.is_in_slack, r.csm_in_slack),
           coalesce(sales.is_in_slack, r.sales_in_slack),
           r.require_csm_approval, r.require_sales_approval,
           r.auto_approve_below, r.second_approval_above, r.rules_currency, r.slack_channel_id,
           either.user_id, either.role, either.delegate_id
    from approval_rules r
    left join reassigned_approvers csm on csm.bill_id = bill and csm.slot = 'csm'
    left join reassigned_approvers sales on sales.bill_id = bill and sales.slot = 'sales'
    left join reassigned_approvers either on either.bill_id = bill and either.slot = 'any'
    where r.customer_id = customer offset 0
$$;

-- For bills one by one, or few: each with a row a slot, and the approval that fills it.
create view approvers as
select b.id as bill_id, s.slot, s.role, s.user_id, s.delegate_id, a.action_id as given_action_id,
       s.has_no_approver
from bills b
cross join lateral approval_rules_of_bill(b.id, b.customer_id) r
cross join lateral approver_slots(r, b.overage_amount, b.currency) s
left join approvals a on a.bill_id = b.id and a.slot = s.slot;

-- A person, as far as others are told of them; null where there is none.
create function person_ref(u users) returns json language sql stable as $$
    select case when u.id is not null then json_build_object(
        'id', u.id, 'name', u.name, 'role', u.role, 'slack_user_id', u.slack_user_id) end
$$;

-- The slots of a bill with the people in them, for whoever waits for a click: with a plan that is
-- kept. To plan this anew takes ten times as long as to answer it.
create function slots_of(bill bigint) returns json language plpgsql stable
set plan_cache_mode = force_generic_plan as $$
begin
    return (
        select json_agg(json_build_object(
            'slot', a.slot, 'role', a.role, 'away_until', u.away_until, 'user', person_ref(u),
            'delegate', person_ref(d), 'given_action_id', a.given_action_id,
            'has_no_approver', a.has_no_approver) order by a.slot)
        from approvers a
        left join users u on u.id = a.user_id
        left join users d on d.id = a.delegate_id
        where a.bill_id = bill);
end
$$;
