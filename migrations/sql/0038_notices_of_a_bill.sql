-- What was told of a bill's troubles is found when the bill moves.
create index messages_followed on messages using gin ((facts -> 'bills') jsonb_path_ops)
    where kind in ('not_sent', 'may_have_arrived', 'bounced');
