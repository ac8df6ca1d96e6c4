-- Why a bill is held, and which the customer's own rule approves.

-- What an overage comes to: the first cause for which its bill is held, and whether the customer's
-- own rule approves it. Without a factor that holds jumps, three times as much is one for the rule.
create function judged(o overages, d customer_desks, jump_factor numeric)
returns table (hold_reason text, passes boolean)
language sql stable as $$
    select case
               when o.overage_unit_cost is null then 'no_price'
               when o.active_days = 0 then 'outside_contract'
               when w.undecidable then 'no_approver'
               when last.amount > 0 and o.overage_amount > last.amount * jump_factor then 'jump'
           end,
           coalesce(o.overage_amount < d.auto_approve_below, false)
           and not coalesce(o.overage_amount > d.second_approval_above, false)
           and not coalesce(last.amount > 0
                            and o.overage_amount > last.amount * coalesce(jump_factor, 3), false)
    from desk(d, o.overage_amount) w
    left join lateral (
        select b.overage_amount as amount from bills b
        where (jump_factor is not null or d.auto_approve_below is not null)
          and b.customer_id = o.customer_id and b.currency = o.currency
          and b.kind = 'overage' and b.status <> 'void'
          and (b.year, b.month) < (o.year, o.month)
        order by b.year desc, b.month desc limit 1) last on true
$$;
