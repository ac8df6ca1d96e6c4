-- What was told long ago is looked for among what is not kept for ever, from its beginning.
create index messages_told on messages (id)
    where kind not in ('card', 'digest', 'run', 'month_end') and state in ('posted', 'failed');
create index messages_offered on messages (id)
    where kind in ('send_preview', 'sending', 'approving') and state = 'listed';
